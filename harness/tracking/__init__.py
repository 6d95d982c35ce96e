"""MLflow: a run folder copied to a tracking store."""

__all__ = ["opening", "store"]

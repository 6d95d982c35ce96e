"""The judge: an engine that grades answers, its budget and its estimate."""

__all__ = ["budget", "estimate", "judge"]

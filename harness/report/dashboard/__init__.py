"""The dashboard: runs and their progress, served over HTTP."""

__all__ = ["server", "view"]

"""Bounded and contained execution of model-written programs, and of calls that may hang."""

__all__ = ["checks", "runner", "worker"]

"""Checkpoints of a result compared with a baseline; pure computation."""

__all__ = ["comparison", "likelihood", "together"]

"""Checks before a run: prompts, lengths, overlap with training data, cost and time."""

__all__ = ["job", "preflight", "show"]

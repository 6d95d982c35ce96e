"""Objectives: pure functions of log-probabilities, reference, rewards and mask, a file a family."""

__all__ = ["objective", "pairwise", "registry"]

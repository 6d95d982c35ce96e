"""Pure functions of log-probabilities, reference, rewards and mask: one file a family."""

__all__ = ["labels", "listwise", "objective", "pairs", "pairwise", "registry"]

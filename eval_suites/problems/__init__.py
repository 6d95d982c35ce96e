"""Problems and protocols that several suites share: prompts and readers."""

__all__ = ["eurus", "one_turn", "programs"]

"""Problems and protocols that several suites share: generators, readers, prompts."""

__all__ = ["arithmetic", "eurus", "one_turn", "programs", "word_problems"]

"""Problems and protocols that several suites share: generators, readers, prompts."""

__all__ = ["arithmetic", "asdiv", "eurus", "one_turn", "word_problems"]

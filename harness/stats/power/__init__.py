"""Sample sizes: the differences that a number of prompts can show."""

__all__ = ["budget", "sizes"]

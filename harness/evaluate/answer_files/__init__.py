"""Answers and judgements from files of this and other tools, scored again."""

__all__ = ["crosscheck", "export", "judged", "judgements", "rescore", "stored", "unjudged"]

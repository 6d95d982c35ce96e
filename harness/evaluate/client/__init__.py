"""Requests to engines through the journal, prompts as tokens, and the sample log."""

__all__ = [
    "answers",
    "cached_client",
    "engine_groups",
    "job",
    "loading",
    "rendering",
    "restarting",
    "tasks",
]

"""Training data sampled from a checkpoint and scored."""

__all__ = ["job", "prompts", "resolve", "sample"]

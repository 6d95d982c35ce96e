"""Training data, from files and hub data sets to prompts with K scored responses as token ids."""

__all__ = ["chat", "groups", "packing", "prepare", "row_formats", "sources", "tokens", "turns"]

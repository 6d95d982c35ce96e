"""Questions for a judge, the reading of its verdicts, and length control."""

__all__ = ["injections", "length_control", "mt_bench", "pairwise", "prompts", "verdicts"]

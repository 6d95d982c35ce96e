"""Questions for a judge, the reading of its verdicts, and length control."""

__all__ = [
    "alpaca_eval",
    "injections",
    "length_control",
    "mt_bench",
    "pairwise",
    "prompts",
    "rated",
    "verdicts",
]

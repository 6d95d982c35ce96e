"""The reading of answers, their comparison with gold, and the score that follows."""

__all__ = [
    "code",
    "declarations",
    "forms",
    "kinds",
    "latex",
    "mathematics",
    "minerva",
    "numbers",
    "quantities",
    "refusals",
    "short_answers",
    "status",
    "suite_rules",
    "typed",
    "values",
]

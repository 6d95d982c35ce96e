"""The reading of answers, their comparison with gold, and the score that follows."""

__all__ = [
    "answers",
    "code",
    "declared",
    "forms",
    "kinds",
    "latex",
    "mathematics",
    "minerva",
    "refusals",
    "status",
    "suite_rules",
    "typed",
    "values",
]

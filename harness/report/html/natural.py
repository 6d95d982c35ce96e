"""The order in which people count: sample 9 before sample 10."""

import re

_DIGITS = re.compile(r"(\d+)")


def natural(name: str) -> list[tuple[int, int, str]]:
    """A sort key under which runs of digits are numbers, and stand before other text."""
    parts = (part for part in _DIGITS.split(name) if part)
    return [(0, int(p), p) if p.isdecimal() and p.isascii() else (1, 0, p) for p in parts]

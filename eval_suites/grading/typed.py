r"""Answers with a gold value of a stated type: numbers, truth values, options, lists.

Two rules. Ours: integers exactly; a float within 1 % of its size, or equal to the gold as printed
when rounded to its decimals (gold is rounded: 1/3 for 0.33 is 1.01 % off, 1/6 for 0.17 is 2 %), if
gold prints two significant digits; lists element by element after sorting, each by these rules.
Upstream's (TheoremQA): the rounded prediction equals an integer, a float lies within 4 %. Both sort
lists, so an order that the question asks for is not checked.
"""

import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from eval_suites.grading.numbers import numbers
from eval_suites.grading.values import Number, value_of

Gold = bool | float | str | tuple[float, ...]
Same = Callable[[Number, float], bool]

# Texts whose only number is no value: a power, a fraction, 2x, 3 i.
_NOT_PLAIN = re.compile(r"[\^\\_/]|\d[A-Za-z]\b|\d\s*[ijxyz]\b")
_LETTER = re.compile(r"\W*(?:option|choice)?\W*([a-h])(?![\w'])(?:[).:,\s]|$)", re.IGNORECASE)
_LONGEST_OPTION = 100
_LONGEST_LIST = 2000
_PERCENT = re.compile(r"%|\\percent\b|\bper\s?cent\b")
_ARTICLE = re.compile(r"a\s+[a-z]", re.IGNORECASE)
_TEXT = re.compile(r"\\(?:text|mathrm|textbf|mathbf|mbox)\s*\{([^{}]*)\}")
_MATRIX = re.compile(r"\\(?:begin|end)\s*\{[a-z]*(?:matrix|array)\}(?:\s*\{[lcr| ]*\})?")
_SEPARATOR = re.compile(r"\\\\|[&;\n\u2192]|\\(?:to|rightarrow)\b|->|\band\b")
_OUTSIDE = re.compile(r"\\(?:left|right|langle|rangle)\b\.?|\\[{}]|[\[\]<>$]|\\[()\[\]]")


def typed(value: Any, kind: str) -> Gold | None:
    """Return a JSON value as a gold value of the type that the file names; None if it is not."""
    if kind.startswith("list of ") and isinstance(value, list):
        items = [typed(item, kind.removeprefix("list of ")) for item in value]
        numbers_only = tuple(item for item in items if isinstance(item, int | float))
        return numbers_only if items and len(numbers_only) == len(items) else None
    if kind == "float" and type(value) in {int, float}:
        return float(value)
    fits = type(value) is {"integer": int, "bool": bool, "option": str}.get(kind)
    return value if fits else None


def number_in(text: str) -> Number | None:
    """Return the value of an expression, or the only number of another text; else None."""
    value = value_of(text)
    if value is None and not _NOT_PLAIN.search(_TEXT.sub(r"\1", text)):
        candidates = numbers(text)
        value = value_of(candidates[0]) if len(candidates) == 1 else None
    return value


def numbers_in(text: str) -> tuple[tuple[Number, ...], ...]:
    """Return the ways to read a list of numbers (a comma may separate or group thousands)."""
    if len(text) > _LONGEST_LIST:
        return ()
    readings = (_elements(text, thousands=flag) for flag in (False, True))
    return tuple(dict.fromkeys(reading for reading in readings if reading is not None))


def truth_in(text: str) -> bool | None:
    """Return the truth value that true, yes, false or no give; None without exactly one."""
    words = set(re.findall(r"\b(?:true|yes|false|no|not)\b", _TEXT.sub(r" \1 ", text).lower()))
    if words and words <= {"true", "yes"}:
        return True
    return False if words and words <= {"false", "no"} else None


def option_in(text: str) -> str | None:
    """Return the letter of an option that a text begins with, as `(a)`; None without one."""
    plain = _TEXT.sub(r"\1", text).strip()[:_LONGEST_OPTION]
    letter = _LETTER.match(plain)
    return None if letter is None or _ARTICLE.match(plain) else f"({letter[1].lower()})"


def agrees(gold: Gold, text: str, same: Same) -> bool | None:
    """Return True where a declared text is the gold value; None when it is not of its type.

    A percentage is a fraction, or counts percent, but is a fraction only by upstream's rule.
    """
    if isinstance(gold, tuple):
        readings = [sorted(values) for values in numbers_in(text)]
        right = sorted(gold)
        equal = (len(r) == len(right) and all(map(same, r, right)) for r in readings)
        return any(equal) if readings else None
    if isinstance(gold, bool | str):
        answer = truth_in(text) if isinstance(gold, bool) else option_in(text)
        return None if answer is None else answer == gold
    value = number_in(text)
    if value is None or not _PERCENT.search(text):
        return None if value is None else same(value, gold)
    return same(value / 100, gold) or (same is not close_upstream and same(value, gold))


def close(value: Number, gold: float) -> bool:
    """Compare one number by our rule (see above)."""
    if isinstance(gold, int):
        exact = isinstance(value, Fraction)
        return value == gold if exact else math.isclose(value, gold, rel_tol=1e-9, abs_tol=1e-9)
    return abs(value - gold) <= 0.01 * abs(gold) or _prints_as(float(value), gold)


def close_upstream(value: Number, gold: float) -> bool:
    """Compare one number by upstream's rule (see above)."""
    if isinstance(gold, int):
        return round(value) == gold
    return abs(value - gold) <= 0.04 * abs(gold)


def _prints_as(value: float, gold: float) -> bool:
    whole, _, decimals = repr(gold).partition(".")
    if "e" in repr(gold) or len((whole + decimals).lstrip("-0")) < 2 or decimals in {"", "0"}:
        return False
    return round(value, len(decimals)) == gold


def _elements(text: str, *, thousands: bool) -> tuple[Number, ...] | None:
    text = _SEPARATOR.sub(",", _MATRIX.sub("", _TEXT.sub(r" \1 ", text)))
    text = _OUTSIDE.sub("", text).strip().strip(".")
    _, equals, right = text.rpartition("=")
    text = right.strip() if equals and "," in right else text
    if text[:1] + text[-1:] in {"()", "{}"}:
        text = text[1:-1]
    if thousands:
        text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    values = [value for part in text.split(",") if part.strip() for value in _signs(part)]
    known_values = tuple(value for value in values if value is not None)
    return known_values if values and len(known_values) == len(values) else None


def _signs(element: str) -> tuple[Number | None, ...]:
    """Return the value of an element, or the two values of one behind a plus-minus sign."""
    unsigned = re.sub(r"^(?:\\pm|\u00b1)", "", element.strip())
    value = number_in(unsigned)
    if unsigned == element.strip():
        return (value,)
    return (value, None if value is None else -value)

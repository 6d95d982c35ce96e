r"""Compare an answer with a gold value of a stated type: numbers, truth values, options, lists.

Two rules. Ours: integers exactly; a float within 1 % of its size, or equal to the gold as printed
when rounded to its decimals (gold is rounded: 1/3 for 0.33 is 1.01 % off, 1/6 for 0.17 is 2 %), if
gold prints two significant digits; lists element by element after sorting, each by these rules.
Upstream's (TheoremQA): the rounded prediction equals an integer, a float lies within 4 %. Both sort
lists, so an order that the question asks for is not checked.
"""

import math
import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from eval_suites.grading.answers import numbers
from eval_suites.grading.values import Number, value_of

Gold = bool | float | str | tuple[float, ...]
Same = Callable[[Number, float], bool]

# Where the only number of a text is no value: a power, a fraction, 2x, 3 i.
_NOT_PLAIN = re.compile(r"[\^\\_/]|\d[A-Za-z]\b|\d\s*[ijxyz]\b")
_LETTER = re.compile(r"\W*(?:option|choice)?\W*([a-h])(?![\w'])(?:[).:,\s]|$)", re.IGNORECASE)
_LONGEST_OPTION = 100
_LONGEST_LIST = 2000
_ARTICLE = re.compile(r"a\s+[a-z]", re.IGNORECASE)
_TEXT = re.compile(r"\\(?:text|mathrm|textbf|mathbf|mbox)\s*\{([^{}]*)\}")
_MATRIX = re.compile(r"\\(?:begin|end)\s*\{[a-z]*(?:matrix|array)\}(?:\s*\{[lcr| ]*\})?")
_SEPARATOR = re.compile(r"\\\\|[&;\n\u2192]|\\(?:to|rightarrow)\b|->|\band\b")
_OUTSIDE = re.compile(r"\\(?:left|right|langle|rangle)\b\.?|\\[{}]|[\[\]<>$]|\\[()\[\]]")


def typed(value: Any, kind: str) -> Gold | None:
    """A value of a JSON file as a gold value of the type that the file names; None if it is not."""
    if kind.startswith("list of ") and isinstance(value, list):
        items = [typed(one, kind.removeprefix("list of ")) for one in value]
        read = tuple(one for one in items if isinstance(one, int | float))
        return read if read and len(read) == len(items) else None
    if kind == "float" and type(value) in {int, float}:
        return float(value)
    fits = type(value) is {"integer": int, "bool": bool, "option": str}.get(kind)
    return value if fits else None


def number_in(shown: str) -> Number | None:
    """The value of an expression; of another text its only number, None without exactly one."""
    value = value_of(shown)
    if value is None and not _NOT_PLAIN.search(_TEXT.sub(r"\1", shown)):
        found = numbers(shown)
        value = value_of(found[0]) if len(found) == 1 else None
    return value


def numbers_in(shown: str) -> tuple[tuple[Number, ...], ...]:
    """The ways to read a list of numbers (a comma may separate or group thousands)."""
    if len(shown) > _LONGEST_LIST:
        return ()
    readings = (_elements(shown, thousands=flag) for flag in (False, True))
    return tuple(dict.fromkeys(one for one in readings if one is not None))


def truth_in(shown: str) -> bool | None:
    """The truth value that a text says by true, yes, false or no; None without exactly one."""
    said = set(re.findall(r"\b(?:true|yes|false|no|not)\b", _TEXT.sub(r" \1 ", shown).lower()))
    if said and said <= {"true", "yes"}:
        return True
    return False if said and said <= {"false", "no"} else None


def option_in(shown: str) -> str | None:
    """The letter of an option that a text begins with, as `(a)`; None without one."""
    plain = _TEXT.sub(r"\1", shown).strip()[:_LONGEST_OPTION]
    found = _LETTER.match(plain)
    return None if found is None or _ARTICLE.match(plain) else f"({found[1].lower()})"


def agrees(gold: Gold, shown: str, same: Same) -> bool | None:
    """Whether a declared text is the gold value; None when it is nothing of the gold's type.

    Args:
        gold: the right value.
        shown: what the response declares.
        same: the rule for one number.
    """
    if isinstance(gold, tuple):
        readings = numbers_in(shown)
        return any(same_list(one, gold, same) for one in readings) if readings else None
    if isinstance(gold, bool | str):
        said = truth_in(shown) if isinstance(gold, bool) else option_in(shown)
        return None if said is None else said == gold
    found = number_in(shown)
    return None if found is None else same(found, gold)


def close(found: Number, gold: float) -> bool:
    """Our rule for one number (see above)."""
    if isinstance(gold, int):
        exact = isinstance(found, Fraction)
        return found == gold if exact else math.isclose(found, gold, rel_tol=1e-9, abs_tol=1e-9)
    return abs(found - gold) <= 0.01 * abs(gold) or _prints_as(float(found), gold)


def close_upstream(found: Number, gold: float) -> bool:
    """Upstream's rule for one number (see above)."""
    if isinstance(gold, int):
        return round(found) == gold
    return abs(found - gold) <= 0.04 * abs(gold)


def same_list(found: Sequence[Number], gold: Sequence[float], same: Same) -> bool:
    """Whether two lists are as long and, both sorted, the same element by element."""
    pairs = zip(sorted(found), sorted(gold), strict=False)
    return len(found) == len(gold) and all(same(one, other) for one, other in pairs)


def _prints_as(found: float, gold: float) -> bool:
    whole, _, decimals = repr(gold).partition(".")
    if "e" in repr(gold) or len((whole + decimals).lstrip("-0")) < 2 or decimals in {"", "0"}:
        return False
    return round(found, len(decimals)) == gold


def _elements(shown: str, *, thousands: bool) -> tuple[Number, ...] | None:
    text = _SEPARATOR.sub(",", _MATRIX.sub("", _TEXT.sub(r" \1 ", shown)))
    text = _OUTSIDE.sub("", text).strip().strip(".")
    _, equals, right = text.rpartition("=")
    text = right.strip() if equals and "," in right else text
    if text[:1] + text[-1:] in {"()", "{}"}:
        text = text[1:-1]
    if thousands:
        text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    values = [value for one in text.split(",") if one.strip() for value in _signs(one)]
    read = tuple(value for value in values if value is not None)
    return read if read and len(read) == len(values) else None


def _signs(element: str) -> tuple[Number | None, ...]:
    for sign in ("\\pm", "\u00b1"):
        if element.strip().startswith(sign):
            value = number_in(element.strip().removeprefix(sign))
            return (value, None if value is None else -value)
    return (number_in(element),)

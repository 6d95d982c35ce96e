"""Equality of two answers in plain form, by rules on their form, piece by piece.

Three-valued: True, False, or None where rules cannot tell. A comparison of expressions may be
handed in for what remains; without one, such pieces stay open.
"""

import re
from collections.abc import Callable, Sequence
from fractions import Fraction

from eval_suites.grading.forms import assigned, elements, group
from eval_suites.grading.kinds import same_time
from eval_suites.grading.numbers import exact_value

Comparison = Callable[[str, str], bool | None]

_N = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
_NUMBER = re.compile(rf"{_N}(?:[eE][+-]?[0-9]{{1,3}})?")
_POWER_OF_TEN = re.compile(rf"({_N})\\cdot ?10\^\{{?([+-]?[0-9]{{1,3}})\}}?")
_RATIO = re.compile(rf"\(?(?:\\frac\{{([+-]?{_N})\}}\{{([+-]?{_N})\}}|({_N})/({_N}))\)?")
_MIXED = re.compile(r"([0-9]{1,9})\\frac\{([0-9]{1,9})\}\{([0-9]{1,9})\}")
_RECURRING = re.compile(r"([0-9]*)\.([0-9]*)\\(?:overline|bar)\{([0-9]+)\}")
_IN_BASE = re.compile(r"([+-]?[0-9][0-9A-Z]*(?:\.[0-9A-Z]+)?)_([0-9]{1,2})")
_DIGITS = re.compile(r"[+-]?[0-9][0-9A-Z]*(?:\.[0-9A-Z]+)?")
_TIME = re.compile(r"([0-9]{1,2})(?::([0-5][0-9]))?(?:([ap])m)?")
_RATIO_FORM = re.compile(r"[0-9]+(?:\.[0-9]+)?:[0-9]+(?:\.[0-9]+)?")
_WORDS = re.compile(r"[A-Za-z][A-Za-z' -]*")


def compare(
    gold: str, answer: str, expressions: Comparison = lambda _gold, _answer: None
) -> bool | None:
    """Return True where two answers in plain form are equal; None where that stays open.

    What the rules leave, `expressions` compares.
    """
    if gold == answer:
        return bool(gold)
    for rule in (_in_bases, _as_numbers, _as_times, _as_words):
        if (verdict := rule(gold, answer)) is not None:
            return verdict
    golds, answers = elements(gold), elements(answer)
    if len(golds) != len(answers):
        return False
    if (golds, answers) != ((gold,), (answer,)):
        return _in_any_order(golds, answers, expressions)
    return _as_groups(gold, answer, expressions)


def value(text: str) -> Fraction | None:
    r"""Return the value of a number: decimal, recurring, fraction, mixed, times a power of ten."""
    size = _size(text[1:] if text.startswith(("+", "-")) else text)
    return -size if size is not None and text.startswith("-") else size


def _size(text: str) -> Fraction | None:
    if _NUMBER.fullmatch(text):
        return exact_value(text)
    if match := _POWER_OF_TEN.fullmatch(text):
        return exact_value("{}e{}".format(*match.groups()))
    if match := _RATIO.fullmatch(text):
        return exact_value("/".join(filter(None, match.groups())))
    if match := _MIXED.fullmatch(text):
        whole, top, bottom = match.groups()
        part = exact_value(f"{top}/{bottom}")
        return None if part is None else int(whole) + part
    if match := _RECURRING.fullmatch(text):
        whole, fixed, repeated = match.groups()
        nines = (10 ** len(repeated) - 1) * 10 ** len(fixed)
        return Fraction(f"{whole or 0}.{fixed or 0}") + Fraction(int(repeated), nines)
    return None


def _in_bases(gold: str, answer: str) -> bool | None:
    """Compare digits in a base; a base that only one of the numbers names is taken over."""
    left, right = _IN_BASE.fullmatch(gold), _IN_BASE.fullmatch(answer)
    if left and right:
        return left.groups() == right.groups()
    named, bare = (left, answer) if left else (right, gold)
    return named[1] == bare if named and _DIGITS.fullmatch(bare) else None


def _as_numbers(gold: str, answer: str) -> bool | None:
    """Compare numbers and ratios by value: 6:2 and 3 are 3:1."""
    left, right = (
        value(text.replace(":", "/") if _RATIO_FORM.fullmatch(text) else text)
        for text in (gold, answer)
    )
    return None if left is None or right is None else left == right


def _as_times(gold: str, answer: str) -> bool | None:
    """Compare times of day; one without a.m. or p.m. stands for either."""
    left, right = _TIME.fullmatch(gold), _TIME.fullmatch(answer)
    if not (left and right and (left[3] or right[3])):
        return None
    times = [f"{time[1]}:{time[2] or '00'}:00 {time[3] or ''}" for time in (left, right)]
    return same_time(*times)


def _as_words(gold: str, answer: str) -> bool | None:
    """Compare words in any case; other letters, or a number, are another answer.

    The same letters in another order may be a product, and stay open.
    """
    words = [_WORDS.fullmatch(text) is not None for text in (gold, answer)]
    if all(words):
        if len(gold) > 2 and gold.lower() == answer.lower():
            return True
        return None if sorted(gold.lower()) == sorted(answer.lower()) else False
    if any(words) and value(gold if words[1] else answer) is not None:
        return False
    return None


def _in_any_order(
    golds: Sequence[str], answers: Sequence[str], expressions: Comparison
) -> bool | None:
    """Return True where each gold has an equal of its own among the answers."""
    remaining, certain = list(answers), True
    for gold in golds:
        may_equal = False
        for place, answer in enumerate(remaining):
            if verdict := compare(gold, answer, expressions):
                del remaining[place]
                break
            may_equal |= verdict is None
        else:
            if not may_equal:
                return False
            certain = False
    return True if certain else None


def _as_groups(gold: str, answer: str, expressions: Comparison) -> bool | None:
    """Compare intervals, points and matrices by members, and equations of one side by the other."""
    left, right = group(gold), group(answer)
    if left and right and max(len(left.members), len(right.members)) > 1:
        if left.kind != right.kind or len(left.members) != len(right.members):
            return False
        pairs = zip(left.members, right.members, strict=True)
        verdicts = [compare(*pair, expressions) for pair in pairs]
        return False if False in verdicts else (None if None in verdicts else True)
    (gold_name, gold_side), (name, side) = assigned(gold), assigned(answer)
    if (gold_name and (gold_name == name or "=" not in answer)) or (name and "=" not in gold):
        return compare(gold_side, side, expressions)
    return expressions(gold, answer)

"""Whether two answers in plain form are equal: by rules on their form, piece by piece.

Three-valued: True, False, or None where rules cannot tell. A comparison of what remains (an
expression) may be handed in; without one, such pieces stay open.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction

from eval_suites.grading.answers import exact_value
from eval_suites.grading.forms import assigned, elements, group

Comparison = Callable[[str, str], bool | None]

_N = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
_NUMBER = re.compile(rf"([+-]?)({_N}(?:[eE][+-]?[0-9]{{1,3}})?)")
_POWER_OF_TEN = re.compile(rf"([+-]?)({_N})\\cdot ?10\^\{{?([+-]?[0-9]{{1,3}})\}}?")
_RATIO = re.compile(rf"([+-]?)\(?(?:\\frac\{{([+-]?{_N})\}}\{{([+-]?{_N})\}}|({_N})/({_N}))\)?")
_MIXED = re.compile(r"([+-]?)([0-9]{1,9})\\frac\{([0-9]{1,9})\}\{([0-9]{1,9})\}")
_RECURRING = re.compile(r"([+-]?)([0-9]*)\.([0-9]*)\\(?:overline|bar)\{([0-9]+)\}")
_IN_BASE = re.compile(r"([+-]?[0-9][0-9A-Z]*(?:\.[0-9A-Z]+)?)_([0-9]{1,2})")
_DIGITS = re.compile(r"[+-]?[0-9][0-9A-Z]*(?:\.[0-9A-Z]+)?")
_WORDS = re.compile(r"[A-Za-z][A-Za-z' -]*")


def open_question(_one: str, _other: str) -> bool | None:
    """The comparison that leaves every expression open."""
    return None


def compare(one: str, other: str, expressions: Comparison = open_question) -> bool | None:
    """Whether two answers are equal; None where that stays open.

    Args:
        one: the gold answer in plain form.
        other: the model's answer in plain form.
        expressions: compares what the rules leave.
    """
    if one == other:
        return bool(one)
    for rule in (_in_bases, _as_numbers, _as_words):
        if (known := rule(one, other)) is not None:
            return known
    ones, others = elements(one), elements(other)
    if len(ones) != len(others):
        return False
    if (ones, others) != ((one,), (other,)):
        return _in_any_order(ones, others, expressions)
    return _as_groups(one, other, expressions)


def value(text: str) -> Fraction | None:
    r"""The exact value of a number: decimal, recurring, fraction, mixed, times a power of ten."""
    if found := _NUMBER.fullmatch(text):
        return exact_value("".join(found.groups()))
    if found := _MIXED.fullmatch(text):
        sign, whole, top, bottom = found.groups()
        part = exact_value(f"{top}/{bottom}")
        return None if part is None else _signed(sign, int(whole) + part)
    if found := _POWER_OF_TEN.fullmatch(text):
        return exact_value("{}{}e{}".format(*found.groups()))
    if found := _RATIO.fullmatch(text):
        sign, *rest = found.groups()
        top, bottom = (piece for piece in rest if piece is not None)
        ratio = exact_value(f"{top}/{bottom}")
        return None if ratio is None else _signed(sign, ratio)
    if found := _RECURRING.fullmatch(text):
        sign, whole, once, again = found.groups()
        nines = (10 ** len(again) - 1) * 10 ** len(once)
        return _signed(sign, Fraction(f"{whole or 0}.{once or 0}") + Fraction(int(again), nines))
    return None


def _signed(sign: str, size: Fraction) -> Fraction:
    return -size if sign == "-" else size


def _in_bases(one: str, other: str) -> bool | None:
    """Numbers in a base have the same digits; a base that only one of them names is taken over."""
    left, right = _IN_BASE.fullmatch(one), _IN_BASE.fullmatch(other)
    if left and right:
        return left.groups() == right.groups()
    named, bare = (left, other) if left else (right, one)
    if named and _DIGITS.fullmatch(bare):
        return named[1] == bare
    return None


def _as_numbers(one: str, other: str) -> bool | None:
    left, right = value(one), value(other)
    return None if left is None or right is None else left == right


def _as_words(one: str, other: str) -> bool | None:
    """Words are equal in any case; other letters, or a number, are another answer.

    The same letters in another order may be a product, and stay open.
    """
    words = [_WORDS.fullmatch(text) is not None for text in (one, other)]
    if all(words):
        if len(one) > 2 and one.lower() == other.lower():
            return True
        return None if sorted(one.lower()) == sorted(other.lower()) else False
    if any(words) and value(one if words[1] else other) is not None:
        return False
    return None


def _in_any_order(
    ones: Sequence[str], others: Sequence[str], expressions: Comparison
) -> bool | None:
    """Whether each of the one finds its own equal among the others."""
    left, known = list(others), True
    for one in ones:
        verdict, place = _first_equal(compare(one, other, expressions) for other in left)
        if verdict is False:
            return False
        if verdict:
            del left[place]
        else:
            known = False
    return True if known else None


def _first_equal(verdicts: Iterable[bool | None]) -> tuple[bool | None, int]:
    """The first True and its place; without one None where any is open, else False."""
    found: bool | None = False
    for place, verdict in enumerate(verdicts):
        if verdict:
            return True, place
        if verdict is None:
            found = None
    return found, 0


def _as_groups(one: str, other: str, expressions: Comparison) -> bool | None:
    """Intervals, points and matrices member by member; equations of one side by the other."""
    left, right = group(one), group(other)
    if left and right and max(len(left.members), len(right.members)) > 1:
        if left.kind != right.kind or len(left.members) != len(right.members):
            return False
        pairs = zip(left.members, right.members, strict=True)
        return _all(compare(*pair, expressions) for pair in pairs)
    (name, held), (other_name, other_held) = assigned(one), assigned(other)
    if (
        (name and name == other_name)
        or (name and "=" not in other)
        or (other_name and "=" not in one)
    ):
        return compare(held, other_held, expressions)
    return expressions(one, other)


def _all(verdicts: Iterable[bool | None]) -> bool | None:
    found = list(verdicts)
    if False in found:
        return False
    return None if None in found else True

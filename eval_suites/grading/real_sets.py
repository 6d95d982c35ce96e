r"""Sets of real numbers in one notation, a union of intervals.

`x \ne 5`, `\mathbb{R}\setminus\{5\}`, `\{x \mid x \ne 5\}` and "all real numbers except 5" are
`(-\infty,5)\cup(5,\infty)`. Conditions may be joined: "or" is a union, "and" an intersection of
conditions (but a union of intervals, as in a list of them), and what a variable is unequal to is
always taken away. Limits: one variable, ends with a value that can be computed; any other text
stays as it is.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain

from eval_suites.grading.forms import intervals
from eval_suites.grading.typesetting import rewrite, rules
from eval_suites.grading.values import value_of

_VARIABLE = r"(?:[A-Za-z](?:\([A-Za-z]\))?|\\(?:alpha|beta|gamma|theta|lambda|mu|phi|omega))"
_UNEQUAL = r"(?:\\neq?(?![A-Za-z])|\\not\s*=|≠|!=)"
_REALS = r"(?:\\mathbb\s*\{?\s*R\s*\}?|ℝ|\\R(?![A-Za-z]))"
_IS_SET = re.compile(
    rf"{_UNEQUAL}|\\setminus|{_REALS}|\breals?\b|\\(?:lor|land|vee|wedge|mid)(?![A-Za-z])"
    r"|^\\\{\s*[A-Za-z]\s*[:|]|[\[\]][^\[\]()]*,[^\[\]()]*\[|\][^\[\]()]*,[^\[\]()]*[\])]"
    r"|(?:<|>|\\le |\\ge ).*\b(?:and|or)\b|^\|\s*[A-Za-z]\s*\|\s*(?:<|>|\\[lg]e(?![A-Za-z]))"
)
_BUILDER = re.compile(
    rf"\\\{{\s*{_VARIABLE}\s*(?:\\in\s*{_REALS}\s*)?"
    r"(?:\\mid(?![A-Za-z])|\\colon|[:|]|such that)(.*)\\\}",
    re.DOTALL,
)
_MEMBER = re.compile(rf"{_VARIABLE}\s*\\in(?![A-Za-z])\s*")
_LINES = (
    (r"_\s*\{?\s*(?:\\ge|>=)\s*0\s*\}?|_0\s*\^\s*\{?\+\}?|\^\s*\{?\+\}?_0", "non-negative"),
    (r"_\s*\{?\s*(?:\\le|<=)\s*0\s*\}?", "non-positive"),
    (r"_\s*\{?\s*>\s*0\s*\}?|[\^_]\s*\{?\s*\+\s*\}?", "positive"),
    (r"_\s*\{?\s*<\s*0\s*\}?|[\^_]\s*\{?\s*-\s*\}?", "negative"),
    ("", "all"),
)
_REALS_IN_WORDS = rules(*((f"{_REALS}(?:{sign})", f" {name} reals ") for sign, name in _LINES))
_IN_WORDS = re.compile(
    r"(?:the\s+set\s+of\s+)?(?:all\s+)?(?:(non-?\s?negative|non-?\s?positive|positive|negative)\s+)?"
    r"(?:reals|real\s+numbers?)(?:\s+[A-Za-z](?![A-Za-z]))?",
    re.IGNORECASE,
)
_EXCEPT = re.compile(
    r"\s*(?:\\setminus|\\backslash|(?:,\s*)?(?:except|excluding|other than|not equal to|besides)"
    r"(?:\s+for)?(?:\s+when)?|-(?=\s*\\\{))\s*(?![A-Za-z])",
)
_UNLIKE = re.compile(rf"({_VARIABLE})\s*{_UNEQUAL}\s*(.+)")
_INTERVAL = re.compile(
    r"([(\[\]])\s*([^()\[\],;]+|[^\[\],;]*\)[^\[\],;]*)\s*[,;]\s*(.+?)\s*([)\]\[])"
)
_SIZE = re.compile(r"\|\s*[A-Za-z]\s*\|\s*(<|>|\\[lg]e)(?![A-Za-z])\s*(.+)")
_OR = re.compile(r"\\(?:lor|vee|cup)(?![A-Za-z])|\bor\b")
_AND = re.compile(r"\\(?:land|wedge)(?![A-Za-z])|\band\b|,(?![^(\[\]]*[)\]\[])")
_WORDS = re.compile(r"\\(?:text|mathrm|textrm|mbox|textbf)\s*\{([^{}]*)\}")

#: Longer texts are no set that anyone writes.
_LONGEST = 1000


@dataclass(frozen=True, order=True)
class Cut:
    """A place before or behind a number; its text is not compared."""

    value: float
    behind: bool
    text: str = field(compare=False)


#: A set: its intervals as the cuts where they begin and end.
Intervals = list[tuple[Cut, Cut]]
_LINE = (Cut(-math.inf, True, r"-\infty"), Cut(math.inf, False, r"\infty"))
_NAMED = {
    "": r"(-\infty,\infty)",
    "nonnegative": r"[0,\infty)",
    "positive": r"(0,\infty)",
    "nonpositive": r"(-\infty,0]",
    "negative": r"(-\infty,0)",
}


def as_intervals(text: str) -> str:
    """Return a set of real numbers as a union of intervals; any other text as it is."""
    plain = _WORDS.sub(r" \1 ", text).strip()
    if len(text) > _LONGEST or not _IS_SET.search(plain):
        return text
    try:
        united = _set(plain)
    except ValueError:
        return text
    written = (
        f"{'(' if low.behind else '['}{low.text},{high.text}{']' if high.behind else ')'}"
        for low, high in united
    )
    return r"\cup ".join(written) or r"\emptyset"


def _set(text: str) -> Intervals:
    if builder := _BUILDER.fullmatch(text):
        text = builder[1].strip()
    text = rewrite(text, _REALS_IN_WORDS)
    base, *excluded = _EXCEPT.split(_MEMBER.sub("", text.strip()), maxsplit=1)
    if excluded:
        return _without(_set(base), _points(excluded[0]))
    return _merged(part for condition in _OR.split(text) for part in _conditions(condition))


def _conditions(text: str) -> Intervals:
    """Return the set of conditions that hold together; intervals in a list are united."""
    points: list[str] = []
    sets: list[Intervals] = []
    listed, unlike = True, False
    for part in (_MEMBER.sub("", part.strip()) for part in _AND.split(text) if part.strip()):
        is_interval = _INTERVAL.fullmatch(part) is not None
        if match := _UNLIKE.fullmatch(part):
            points += _points(match[2])
            unlike = True
        elif unlike and not is_interval and not re.search(r"<|>|\\[lg]e ", part):
            points.append(part)
        else:
            sets.append(_simple(part))
            listed &= is_interval
    whole = [_LINE]
    for each in [_merged(chain(*sets))] if listed and sets else sets:
        whole = _common(whole, each)
    return _without(whole, points)


def _simple(text: str) -> Intervals:
    if words := _IN_WORDS.fullmatch(text):
        text = _NAMED[re.sub(r"[-\s]", "", words[1] or "").lower()]
    if size := _SIZE.fullmatch(text):
        return _by_size(size[1], size[2], holds="e" in size[1])
    text = re.sub(r"\s*(\\[lg]e)(?![A-Za-z])\s*", r"\1 ", text)
    interval = _INTERVAL.fullmatch(intervals(re.sub(r"\s*([<>])\s*", r"\1", text)))
    if interval is None:
        raise ValueError("no interval")
    opening, low, high, closing = interval.groups()
    low, high = low.strip(), high.strip().removeprefix("+")
    return [
        (
            Cut(_number(low), opening != "[" or r"\infty" in low, low),
            Cut(_number(high), closing == "]" and r"\infty" not in high, high),
        )
    ]


def _by_size(relation: str, end: str, *, holds: bool) -> Intervals:
    """Return the numbers whose absolute value is below or above an end."""
    if _number(end) < 0:
        raise ValueError("no size")
    below = relation in {"<", r"\le"}
    low = Cut(_number(f"-{end}"), holds != below, f"-{end}")
    high = Cut(_number(end), holds == below, end)
    return [(low, high)] if below else [(_LINE[0], low), (high, _LINE[1])]


def _points(text: str) -> list[str]:
    text = re.sub(rf"\\[{{}}]|{_VARIABLE}\s*=", " ", text)
    points = (point.strip(" .") for point in re.split(r",|\band\b|\bor\b", text))
    return list(filter(None, points))


def _number(text: str) -> float:
    if r"\infty" in text:
        return -math.inf if "-" in text else math.inf
    value = value_of(text)
    if value is None:
        raise ValueError("an end without a value")
    return float(value)


def _without(united: Intervals, points: list[str]) -> Intervals:
    start, end = _LINE
    for point in points:
        value = _number(point)
        before, behind = (Cut(value, is_behind, point) for is_behind in (False, True))
        united = _common(united, [(start, before), (behind, end)])
    return united


def _common(left: Intervals, right: Intervals) -> Intervals:
    """Return the intersection of two sets."""
    pairs = ((max(a[0], b[0]), min(a[1], b[1])) for a in left for b in right)
    return [(low, high) for low, high in pairs if low < high]


def _merged(pieces: Iterable[tuple[Cut, Cut]]) -> Intervals:
    """Return the union of intervals, in order and without overlap."""
    united: Intervals = []
    for low, high in sorted(pieces, key=lambda piece: piece[0]):
        if united and low <= united[-1][1]:
            united[-1] = (united[-1][0], max(united[-1][1], high))
        else:
            united.append((low, high))
    return united

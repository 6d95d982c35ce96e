r"""Sets of real numbers in one notation, a union of intervals.

`x \ne 5`, `\mathbb{R}\setminus\{5\}`, `\{x \mid x \ne 5\}` and "all real numbers except 5" are
`(-\infty,5)\cup(5,\infty)`. Conditions may be joined: "or" is a union, "and" an intersection of
conditions (but a union of intervals, as in a list of them), and what a variable is unequal to is
always taken away. Limits: one variable, ends with a value that can be computed; any other text
stays as it is.
"""

import math
import re
from typing import NamedTuple

from eval_suites.grading.forms import intervals
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
)
_SIGNED_REALS = tuple(
    (re.compile(f"{_REALS}(?:{sign})"), f" {name} reals ") for sign, name in _LINES
)
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


class Interval(NamedTuple):
    """An interval with its ends as text; an infinite end is open."""

    low: str
    high: str
    holds_low: bool
    holds_high: bool

    @property
    def ends(self) -> tuple[float, float]:
        """The ends as numbers.

        Raises:
            ValueError: an end has no value that can be computed.
        """
        return _number(self.low), _number(self.high)


Intervals = tuple[Interval, ...]
_LINE = Interval(r"-\infty", r"\infty", holds_low=False, holds_high=False)
_IN_WORDS_TO: dict[str, Interval] = {
    "": _LINE,
    "nonnegative": Interval("0", r"\infty", holds_low=True, holds_high=False),
    "positive": Interval("0", r"\infty", holds_low=False, holds_high=False),
    "nonpositive": Interval(r"-\infty", "0", holds_low=False, holds_high=True),
    "negative": Interval(r"-\infty", "0", holds_low=False, holds_high=False),
}


def as_intervals(text: str) -> str:
    """Return a set of real numbers as a union of intervals; any other text as it is."""
    plain = _WORDS.sub(r" \1 ", text).strip()
    if len(text) > _LONGEST or not _IS_SET.search(plain):
        return text
    try:
        united = _set(plain)
        return r"\cup ".join(map(_written, united)) if united else r"\emptyset"
    except ValueError:
        return text


def _set(text: str) -> Intervals:
    if builder := _BUILDER.fullmatch(text):
        text = builder[1].strip()
    for pattern, words in _SIGNED_REALS:
        text = pattern.sub(words, text)
    text = re.sub(_REALS, " all reals ", text)
    base, *excluded = _EXCEPT.split(_MEMBER.sub("", text.strip()), maxsplit=1)
    if excluded:
        return _without(_set(base), _points(excluded[0]))
    return _merged([part for condition in _OR.split(text) for part in _conditions(condition)])


def _conditions(text: str) -> Intervals:
    """Return the set of conditions that hold together; intervals in a list are united."""
    parts = [_MEMBER.sub("", part.strip()) for part in _AND.split(text) if part.strip()]
    points: list[str] = []
    sets: list[Intervals] = []
    listed = True
    unlike = False
    for part in parts:
        if match := _UNLIKE.fullmatch(part):
            points += _points(match[2])
            unlike = True
        elif unlike and _INTERVAL.fullmatch(part) is None and not re.search(r"<|>|\\[lg]e ", part):
            points.append(part)
        else:
            sets.append(_simple(part))
            listed &= _INTERVAL.fullmatch(part) is not None
    if listed and sets:
        sets = [_merged([interval for each in sets for interval in each])]
    whole: Intervals = (_LINE,)
    for each in sets:
        whole = _common(whole, each)
    return _without(whole, points)


def _simple(text: str) -> Intervals:
    if words := _IN_WORDS.fullmatch(text):
        return (_IN_WORDS_TO[re.sub(r"[-\s]", "", words[1] or "").lower()],)
    if size := _SIZE.fullmatch(text):
        return _by_size(size[1], size[2], holds="e" in size[1])
    interval = _INTERVAL.fullmatch(intervals(_tight(text)))
    if interval is None:
        raise ValueError("no interval")
    opening, low, high, closing = interval.groups()
    low, high = low.strip(), high.strip().removeprefix("+")
    holds = (opening == "[" and r"\infty" not in low, closing == "]" and r"\infty" not in high)
    return (Interval(low, high, *holds),)


def _by_size(relation: str, end: str, *, holds: bool) -> Intervals:
    """Return the numbers whose absolute value is below or above an end."""
    if _number(end) < 0:
        raise ValueError("no size")
    if relation in {"<", r"\le"}:
        return (Interval(f"-{end}", end, holds, holds),)
    low = Interval(r"-\infty", f"-{end}", holds_low=False, holds_high=holds)
    return (low, Interval(end, r"\infty", holds_low=holds, holds_high=False))


def _tight(text: str) -> str:
    return re.sub(r"\s*([<>])\s*", r"\1", re.sub(r"\s*(\\[lg]e)(?![A-Za-z])\s*", r"\1 ", text))


def _points(text: str) -> list[str]:
    text = re.sub(rf"\\[{{}}]|{_VARIABLE}\s*=", " ", text)
    points = [point.strip(" .") for point in re.split(r",|\band\b|\bor\b", text)]
    return [point for point in points if point]


def _number(text: str) -> float:
    if r"\infty" in text:
        return -math.inf if "-" in text else math.inf
    value = value_of(text)
    if value is None:
        raise ValueError("an end without a value")
    return float(value)


def _without(united: Intervals, points: list[str]) -> Intervals:
    for point in points:
        place = _number(point)
        united = tuple(piece for interval in united for piece in _cut(interval, point, place))
    return united


def _cut(interval: Interval, point: str, place: float) -> Intervals:
    low, high = interval.ends
    if not low <= place <= high:
        return (interval,)
    if place == low:
        return (interval._replace(holds_low=False),)
    if place == high:
        return (interval._replace(holds_high=False),)
    return (
        interval._replace(high=point, holds_high=False),
        interval._replace(low=point, holds_low=False),
    )


def _common(left: Intervals, right: Intervals) -> Intervals:
    """Return the intersection of two sets."""
    pieces = []
    for one_side in left:
        for other in right:
            low = max((one_side, other), key=lambda side: (side.ends[0], not side.holds_low))
            high = min((one_side, other), key=lambda side: (side.ends[1], side.holds_high))
            piece = Interval(low.low, high.high, low.holds_low, high.holds_high)
            start, end = piece.ends
            if start < end or (start == end and piece.holds_low and piece.holds_high):
                pieces.append(piece)
    return tuple(pieces)


def _merged(pieces: list[Interval]) -> Intervals:
    """Return the union of intervals, in order and without overlap."""
    united: list[Interval] = []
    for piece in sorted(pieces, key=lambda piece: (piece.ends[0], not piece.holds_low)):
        start, end = piece.ends
        if united:
            last = united[-1]
            reach = last.ends[1]
            if start < reach or (start == reach and (piece.holds_low or last.holds_high)):
                if (end, piece.holds_high) > (reach, last.holds_high):
                    united[-1] = last._replace(high=piece.high, holds_high=piece.holds_high)
                continue
        united.append(piece)
    return tuple(united)


def _written(interval: Interval) -> str:
    opening, closing = "[" if interval.holds_low else "(", "]" if interval.holds_high else ")"
    return f"{opening}{interval.low},{interval.high}{closing}"

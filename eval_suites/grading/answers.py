"""Find and compare numeric answers: explicit rules, exact arithmetic, text in and text out.

Two readings. Strict takes what the response declares: the last box with something in it, else the
last `####` that is no Markdown heading, else the last "answer is". Flexible takes the last number
of the text. Neither forgives a factor of 100 nor rounds.
"""

import re
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

_DIGITS = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)"
_UNSIGNED = rf"(?:{_DIGITS}(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{{1,3}}(?![0-9A-Za-z]))?|\.[0-9]+)"
# A minus after a digit, a letter or a bracket subtracts; elsewhere it is a sign.
_NUMBER = re.compile(rf"(?:(?<![\w)\]}}])-)?\$?{_UNSIGNED}(?:\s?/\s?{_UNSIGNED})?")
_FRACTION = re.compile(r"(?:(-)\s?)?\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_BOX = re.compile(r"\\f?boxed\s*\{|\\fbox\s*\{")
# An escaped brace is printed: it opens and closes nothing.
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
# What it marks stands on its line; a number may stand on the next.
_HASHES = re.compile(r"(?<!#)#{4,}+[ \t]*+(?:\n\s*+(?=[-$]?[0-9]))?(?=\S)")
# A heading is counted (`#### 1. Setup`), or titled (`#### Step 2`, `#### 1.2 Setup`) above a text.
_COUNTED = re.compile(r"[0-9]+(?:\.[0-9]+)*[.):][ \t*]+[^\W\d_]")
_TITLED = re.compile(r"\**(?:[0-9]+(?:\.[0-9]+)*[ \t]+)?[A-Z][a-z]+")
_ANSWER_IS = re.compile(r"answer\s+is[\s:=*$\\(\[]*", re.IGNORECASE)
_DECLARES = re.compile(r"answers?\s+(?:is|are)\b\s*:?", re.IGNORECASE)
_SENTENCE_END = re.compile(r"\n|[.!?](?=\s+[A-Z]|\s*$)")
_SPACED_THOUSANDS = re.compile("(?<=[0-9])[\u00a0\u2009\u202f](?=[0-9]{3}(?![0-9]))")
#: Unicode minus signs and the fraction slash to their plain forms.
SIGNS = str.maketrans({"\u2212": "-", "\u2013": "-", "\ufe63": "-", "\uff0d": "-", "\u2044": "/"})
#: Beyond this many characters a number is only compared as text: exact arithmetic takes seconds.
_LONGEST_EXACT = 1000
#: How many boxes are looked at from the end: each unclosed one costs a walk through the text.
_MOST_BOXES = 20


def strict_answer(text: str) -> str | None:
    """The number that the response declares as its answer, normalised; None without one.

    A box that holds several numbers, or none, declares no number: `18 and 20` is not 18.
    """
    text = _plain(text)
    box = last_box(text)
    if box is not None:
        return _only_number(box)
    said = reversed([found.end() for found in _ANSWER_IS.finditer(text)])
    return _first_number(text, hashed(text)) or _first_number(text, said)


def flexible_answer(text: str) -> str | None:
    """The last number of the text, normalised; None without one."""
    *_, last = [None, *_numbers(_plain(text))]
    return last


class Box(NamedTuple):
    """What a box holds, and where the text before it ends and the text behind it starts."""

    start: int
    end: int
    held: str


def last_box(text: str) -> str | None:
    r"""What the last non-empty `\boxed{}` holds; one that is never closed ends with its line."""
    return next((box.held for box in boxes(text)), None)


def boxes(text: str) -> Iterator[Box]:
    r"""The non-empty `\boxed{}`s of a text, the last one first."""
    for opened in reversed(list(_BOX.finditer(text))[-_MOST_BOXES:]):
        held = _until_closed(text, opened.end())
        if held.strip():
            yield Box(opened.start(), opened.end() + len(held) + 1, held)


def declared(text: str) -> str | None:
    """The text that the response declares as its answer; None without one.

    What the last box holds, else what ends the text behind `####`, else the rest of the sentence
    behind the last "answer is" or "answers are".
    """
    box = last_box(text)
    rest = next((text[start:] for start in hashed(text)), "")
    if box is None and "\n" not in rest.strip():
        box = rest or None
    said = list(_DECLARES.finditer(text))
    if box is None and said:
        box = _SENTENCE_END.split(text[said[-1].end() :].lstrip(), maxsplit=1)[0]
    return (box or "").strip(" \t\n*") or None


def hashed(text: str) -> Iterator[int]:
    """Where what stands behind `####` starts, the last one first; Markdown headings left out.

    A number is an answer, with a unit or a full stop or without: `#### 42`, `#### $42 a day.`; but
    not with a word in capitals behind it and text below.
    """
    last_line = text.rstrip().rfind("\n")
    for found in reversed(list(_HASHES.finditer(text))):
        titles = found.end() < last_line and _TITLED.match(text, found.end())
        if not (titles or _COUNTED.match(text, found.end())):
            yield found.end()


def numbers(text: str) -> tuple[str, ...]:
    """Every number of a text in its order, normalised."""
    return tuple(_numbers(_plain(text)))


def normalise(number: str) -> str:
    """One number as text without ornament: `$1,234.` becomes `1234`, `−3` becomes `-3`."""
    bare = re.sub(r"[\s,$%]", "", number.translate(SIGNS))
    return bare.rstrip(".") if "." in bare else bare


def same_number(one: str | None, other: str | None) -> bool:
    """Whether two normalised numbers are equal in value: 18 is 18.0, and 1/2 is 0.5."""
    if one is None or other is None:
        return False
    if one == other:
        return True
    left, right = exact_value(one), exact_value(other)
    return left is not None and left == right


def exact_value(number: str) -> Fraction | None:
    """The value of a normalised number or fraction `a/b`; None where it is too long, or none."""
    if len(number) > _LONGEST_EXACT:
        return None
    top, _, bottom = number.partition("/")
    try:
        return Fraction(top) / Fraction(bottom or "1")
    except (ValueError, ZeroDivisionError):
        return None


def _plain(text: str) -> str:
    """Unicode signs and LaTeX spacing to their plain forms; the numbers keep their order."""
    text = text.translate(SIGNS)
    text = text.replace("{,}", ",").replace("\\,", "").replace("\\!", "").replace("\\$", "$")
    text = text.replace("\\%", "%")
    text = _SPACED_THOUSANDS.sub("", text)
    return _FRACTION.sub(r" \1\2/\3", text)


def _until_closed(text: str, start: int) -> str:
    depth = 1
    for found in _BRACE.finditer(text, start):
        depth += {"{": 1, "}": -1}.get(found.group(), 0)
        if depth == 0:
            return text[start : found.start()]
    return text[start:].split("\n", 1)[0]


def _first_number(text: str, starts: Iterable[int]) -> str | None:
    """The number at the first of these places that one starts at, normalised."""
    number = next((found for start in starts if (found := _NUMBER.match(text, start))), None)
    return normalise(number.group()) if number else None


def _numbers(text: str) -> Iterator[str]:
    return (normalise(found.group()) for found in _NUMBER.finditer(text))


def _only_number(text: str) -> str | None:
    """The number of a text that holds exactly one, on the right of an equals sign if it has one."""
    found = list(_numbers(text.rpartition("=")[2]))
    return found[0] if len(found) == 1 else None

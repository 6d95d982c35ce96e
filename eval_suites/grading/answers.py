"""Numeric answers: explicit rules to read them, exact arithmetic to compare them.

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
# The answer stands on the line of its mark; a number may stand on the next.
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
#: The boxes that are read, from the end: each unclosed one costs a walk through the text.
_MOST_BOXES = 20


def strict_answer(text: str) -> str | None:
    """Return the number that the response declares as its answer, normalised; None without one.

    A box that holds several numbers, or none, declares no number: `18 and 20` is not 18.
    """
    text = _plain(text)
    box = last_box(text)
    if box is not None:
        return _only_number(box)
    starts = reversed([mark.end() for mark in _ANSWER_IS.finditer(text)])
    return _first_number(text, hashed(text)) or _first_number(text, starts)


def flexible_answer(text: str) -> str | None:
    """Return the last number of the text, normalised; None without one."""
    *_, last = [None, *_numbers(_plain(text))]
    return last


class Box(NamedTuple):
    """The content of a box, and the places where the text before it ends and that behind starts."""

    start: int
    end: int
    content: str


def last_box(text: str) -> str | None:
    r"""Return the content of the last non-empty `\boxed{}`; an unclosed one ends with its line."""
    return next((box.content for box in boxes(text)), None)


def boxes(text: str) -> Iterator[Box]:
    r"""Yield the non-empty `\boxed{}`s of a text, the last one first."""
    for opening in reversed(list(_BOX.finditer(text))[-_MOST_BOXES:]):
        content = _until_closed(text, opening.end())
        if content.strip():
            yield Box(opening.start(), opening.end() + len(content) + 1, content)


def declared(text: str) -> str | None:
    """Return the text that the response declares as its answer; None without one.

    This is the content of the last box, else the end of the text behind `####`, else the rest of
    the sentence behind the last "answer is" or "answers are".
    """
    answer = last_box(text)
    rest = next((text[start:] for start in hashed(text)), "")
    if answer is None and "\n" not in rest.strip():
        answer = rest or None
    marks = list(_DECLARES.finditer(text))
    if answer is None and marks:
        answer = _SENTENCE_END.split(text[marks[-1].end() :].lstrip(), maxsplit=1)[0]
    return (answer or "").strip(" \t\n*") or None


def hashed(text: str) -> Iterator[int]:
    """Yield the places behind each `####`, the last one first; Markdown headings are left out.

    A number is an answer, with a unit or a full stop or without: `#### 42`, `#### $42 a day.`; but
    not with a word in capitals behind it and text below.
    """
    last_line = text.rstrip().rfind("\n")
    for mark in reversed(list(_HASHES.finditer(text))):
        titled = mark.end() < last_line and _TITLED.match(text, mark.end())
        if not (titled or _COUNTED.match(text, mark.end())):
            yield mark.end()


def numbers(text: str) -> tuple[str, ...]:
    """Return every number of a text in its order, normalised."""
    return tuple(_numbers(_plain(text)))


def normalise(number: str) -> str:
    """Return a number as text without ornament: `$1,234.` as `1234`, `−3` as `-3`."""
    bare = re.sub(r"[\s,$%]", "", number.translate(SIGNS))
    return bare.rstrip(".") if "." in bare else bare


def same_number(number: str | None, gold: str | None) -> bool:
    """Return True where two normalised numbers are equal in value: 18 is 18.0, and 1/2 is 0.5."""
    if number is None or gold is None:
        return False
    if number == gold:
        return True
    value = exact_value(number)
    return value is not None and value == exact_value(gold)


def exact_value(number: str) -> Fraction | None:
    """Return the value of a normalised number or fraction `a/b`; None where it is too long."""
    if len(number) > _LONGEST_EXACT:
        return None
    top, _, bottom = number.partition("/")
    try:
        return Fraction(top) / Fraction(bottom or "1")
    except (ValueError, ZeroDivisionError):
        return None


def _plain(text: str) -> str:
    """Return the text with plain signs and without LaTeX spacing; numbers keep their order."""
    text = text.translate(SIGNS)
    text = text.replace("{,}", ",").replace("\\,", "").replace("\\!", "").replace("\\$", "$")
    text = text.replace("\\%", "%")
    text = _SPACED_THOUSANDS.sub("", text)
    return _FRACTION.sub(r" \1\2/\3", text)


def _until_closed(text: str, start: int) -> str:
    depth = 1
    for brace in _BRACE.finditer(text, start):
        depth += {"{": 1, "}": -1}.get(brace.group(), 0)
        if depth == 0:
            return text[start : brace.start()]
    return text[start:].split("\n", 1)[0]


def _first_number(text: str, starts: Iterable[int]) -> str | None:
    """Return the number at the first of these places where a number starts, normalised."""
    number = next(filter(None, (_NUMBER.match(text, start) for start in starts)), None)
    return normalise(number.group()) if number else None


def _numbers(text: str) -> Iterator[str]:
    return (normalise(number.group()) for number in _NUMBER.finditer(text))


def _only_number(text: str) -> str | None:
    """Return the only number of a text, right of an equals sign if it has one; else None."""
    candidates = list(_numbers(text.rpartition("=")[2]))
    return candidates[0] if len(candidates) == 1 else None

"""Find and compare answers that are declared in words: an option, a number, a word, a list.

The text behind the last "answer is" counts, up to the end of its sentence or line, whole: that the
right answer stands somewhere in a response declares nothing. What form it must have, the right
answer says.
"""

import re

from eval_suites.grading.answers import normalise, same_number

_ANSWER_IS = re.compile(r"\banswer\s+is\b[:\s]*", re.IGNORECASE)
# A dot inside a number, or before more text without a space, ends no sentence.
_END = re.compile(r"\n|\.(?=[\s*\"`]|$)")
#: Marks of emphasis and quotation around an answer are no part of it.
_AROUND = ' \t\r*"`'
_LETTER = re.compile(r"\(([A-Z])\)")
_LETTER_FIRST = re.compile(r"(?i:option\s+)?\(([A-Z])\)")
_LETTER_ALONE = re.compile(r"(?i:option\s+)?([A-Z])\)?")
_NUMBER = re.compile("[-\u2212]?[0-9]+(?:,[0-9]{3})*(?:\\.[0-9]+)?")
_BRACKETS = r"[\[\](){}<>]"
_BETWEEN_BRACKETS = re.compile(rf"(?<={_BRACKETS})\s+(?={_BRACKETS})")


def declared(text: str) -> str | None:
    """What a response says behind its last "answer is" that has something behind it."""
    for found in reversed(list(_ANSWER_IS.finditer(text))):
        said = _END.split(text[found.end() :], maxsplit=1)[0].strip(_AROUND)
        if said:
            return said
    return None


def read_as(gold: str, said: str) -> str | None:
    """A declared answer in the form that the right one has; None where it cannot be read so.

    An option `(B)` is its letter, and naming two options names none. A number stands alone. Any
    other text loses its case and the size of its spaces, and brackets the spaces between them.
    """
    if _LETTER.fullmatch(gold):
        return _option(said)
    if _NUMBER.fullmatch(gold):
        return normalise(said) if _NUMBER.fullmatch(said) else None
    return _BETWEEN_BRACKETS.sub("", " ".join(said.split())).casefold()


def is_gold(gold: str, reading: str | None) -> bool:
    """Whether a reading (of `read_as`) is the right answer; numbers are compared by value."""
    return same_number(reading, read_as(gold, gold))


def _option(said: str) -> str | None:
    alone = _LETTER_ALONE.fullmatch(said)
    first = alone or _LETTER_FIRST.match(said)
    return first[1] if first and len(set(_LETTER.findall(said))) <= 1 else None

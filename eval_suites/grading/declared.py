"""Answers that are declared in words: an option, a number, a word, a list.

The text behind the last "answer is" counts, up to the end of its sentence or line, whole: that the
right answer stands somewhere in a response declares nothing. It is read in the form of the gold.
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
    """Return the text behind the last "answer is" that has any; None without one."""
    for mark in reversed(list(_ANSWER_IS.finditer(text))):
        answer = _END.split(text[mark.end() :], maxsplit=1)[0].strip(_AROUND)
        if answer:
            return answer
    return None


def read_as(gold: str, answer: str) -> str | None:
    """Return a declared answer in the form of the gold; None where it cannot be read as such.

    An option `(B)` is its letter, and naming two options names none. A number stands alone. Any
    other text loses its case and the size of its spaces, and brackets the spaces between them.
    """
    if _LETTER.fullmatch(gold):
        return _option(answer)
    if _NUMBER.fullmatch(gold):
        return normalise(answer) if _NUMBER.fullmatch(answer) else None
    return _BETWEEN_BRACKETS.sub("", " ".join(answer.split())).casefold()


def is_gold(gold: str, reading: str | None) -> bool:
    """Return True where a reading (of `read_as`) is the gold; numbers are compared by value."""
    return same_number(reading, read_as(gold, gold))


def _option(answer: str) -> str | None:
    letter = _LETTER_ALONE.fullmatch(answer) or _LETTER_FIRST.match(answer)
    return letter[1] if letter and len(set(_LETTER.findall(answer))) <= 1 else None

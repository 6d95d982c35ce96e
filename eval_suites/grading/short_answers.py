r"""Short answers, read in the kind of their gold: an option, yes or no, a number, brackets, words.

What a response declares (`declarations`) is read by one rule a kind:

- option `(B)`: the first letter in brackets, or the letter that the text begins with. What stands
  behind it is its text or a reason; another letter joined to it by "or", "and" or a comma makes
  two declared options, which are none.
- yes or no, true or false, valid or invalid: the one of the pair that is named before a reason,
  right of the last equals sign; both, or a negation, are none ("not valid" is invalid).
- number: the one quantity (`quantities`), also in words.
- brackets: nothing but brackets and spaces.
- words: all of them in their order, whatever separates or numbers them.

A text that says nothing of the kind is a remark, and the declaration before it counts. That the
right answer stands somewhere in a response declares nothing.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from eval_suites.grading import quantities
from eval_suites.grading.declarations import declared, is_remark, items_behind
from eval_suites.grading.numbers import same_number

_PAIRS = (("yes", "no"), ("true", "false"), ("valid", "invalid"))
_LETTER = re.compile(r"[(\[<]\s*([A-Za-z])\s*[)\]>]")
_LETTER_FIRST = re.compile(
    r"(?:(?:option|choice|letter)\s+)?([A-Z])(?=[).:,;]|\s*$|\s+-)", re.IGNORECASE
)
_OTHER_LETTER = re.compile(r"\s*(?:,\s*)?(?:or|and|/|&|,)\s*[(\[]?([A-Z])[)\]](?!\w)")
_OTHER_BARE = re.compile(r"\)?\s*(?:or|and|/|&|,)\s*(?:option\s+)?([A-Z])\b(?!')")
_BRACKETS = re.compile(r"[\[\](){}<>\s]+")
_NUMBER = re.compile("[-\u2212]?[0-9]+(?:,[0-9]{3})*(?:\\.[0-9]+)?")
#: Words behind which a reason begins.
_REASON = re.compile(
    r"\s+\(|[,;:]?\s+(?:because|since|as|for|so|given)\b|[,;]\s|\s--?\s|\s\u2014\s?"
)
_NUMBERING = re.compile(r"(?:^|(?<=\s))\(?\d+[.)](?=\s)|^[ \t]*[-*\u2022]\s", re.MULTILINE)
_WORD = re.compile(r"[^\W_]+(?:[-'\u2019&.][^\W_]+)*")

#: Of longer texts only the beginning is read.
_LONGEST = 2000


class Kind(NamedTuple):
    """A kind of short answer: does a text say anything of it, and its normal form or None."""

    says: Callable[[str], bool]
    read: Callable[[str], str | None]


def answer_in(gold: str, text: str) -> str | None:
    """Return the answer that a response declares, in the normal form of the gold's kind."""
    kind = kind_of(gold)
    extent = items_behind if kind is _WORDS else None
    return declared(text, kind.says, kind.read, extent)


def is_gold(gold: str, reading: str | None) -> bool:
    """Return True where a reading (of `answer_in`) is the gold; numbers are compared by value."""
    return same_number(reading, kind_of(gold).read(gold))


def kind_of(gold: str) -> Kind:
    """Return the kind of a gold answer."""
    if _LETTER.fullmatch(gold):
        return _OPTION
    if _NUMBER.fullmatch(gold):
        return _QUANTITY
    if _BRACKETS.fullmatch(gold):
        return _SEQUENCE
    return _TRUTH if any(gold.lower() in pair for pair in _PAIRS) else _WORDS


def _plain(text: str) -> str:
    return quantities.plain(text[:_LONGEST]).strip(" \t\n\"'`*.")


def _letter(text: str) -> str | None:
    text = re.sub(r"\bnot\s+[(\[]?[A-Z][)\]]?(?=\W|$)", "", _plain(text)).strip(" ,")
    letter = _mark(text)
    if letter is None:
        return None
    behind = _OTHER_LETTER.match(text, letter.end()) or _OTHER_BARE.match(text, letter.end())
    return None if behind and behind[1] != letter[1] else letter[1].upper()


def _mark(text: str) -> re.Match[str] | None:
    return _LETTER.search(text) or _LETTER_FIRST.match(text)


def _truths(text: str) -> list[str]:
    text = text.rpartition("=")[2].lower()
    text = re.sub(r"\b(?:im|not\s+)plausible\b", "no", text)
    text = re.sub(r"\bnot\s+(?:deductively\s+)?invalid\b", "valid", text)
    text = re.sub(r"\bnot\s+(?:deductively\s+)?valid\b", "invalid", text)
    return re.findall(r"\b(?:not|yes|no(?!\s+(?:one|idea))|true|false|valid|invalid)\b", text)


def _truth(text: str) -> str | None:
    plain = _plain(text)
    head = next((part for part in _REASON.split(plain) if _truths(part)), "")
    values = set(_truths(head))
    return values.pop() if len(values) == 1 and "not" not in values else None


def _sequence(text: str) -> str | None:
    text = re.sub(r"\\(?:text\w*|boxed)\s*\{(.*)\}", r"\1", text[:_LONGEST])
    text = text.strip(" \t\n\"'`*$.")
    text = re.sub(r"\\(?=[{}])", "", text)
    return re.sub(r"\s+", "", text) if _BRACKETS.fullmatch(text) else None


def _words(text: str) -> str | None:
    return " ".join(_WORD.findall(_NUMBERING.sub(" ", _plain(text)))).casefold() or None


_OPTION = Kind(lambda text: _mark(_plain(text)) is not None, _letter)
_TRUTH = Kind(lambda text: bool(_truths(_plain(text))), _truth)
_QUANTITY = Kind(quantities.states_number, quantities.quantity)
_SEQUENCE = Kind(lambda text: _sequence(text) is not None, _sequence)
_WORDS = Kind(lambda text: _words(text) is not None and not is_remark(text), _words)

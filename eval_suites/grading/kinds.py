"""Answers that are no single number: several numbers, ratios, times of day, words.

Each kind reads its items in a text, in one normal form, and compares two of them.
Several numbers may come in any order. A ratio is two whole numbers and equal in value: 6:4 is 3:2,
1.5 is none. A time without a.m. or p.m. stands for either half of the day. Words are compared
without case, articles and endings in s; `same_words` says which may be left out or added.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from eval_suites.grading.numbers import numbers, same_number

_POWER = re.compile(r"[\^_]\s*\{?\s*\\?\w+\s*\}?")
_SPACING = re.compile(r"\\[,!;: ]|~")
_WRAPPED_SIGN = re.compile(r"\\(?:text|mathrm|mathbin|mathrel)\s*\{\s*(to|:)\s*\}")
_RATIO_SIGN = re.compile(r"(?<=\d)\s*(?::|\\colon|to)\s*(?=\d)")
_LATEX = re.compile(r"\\(?:text|mathrm|textbf|mbox)\b|\\(?=\W)|[{}$~*]")
_TIME = re.compile(
    r"(?<![\d:])(\d{1,2}):([0-5]\d)(?::([0-5]\d))?(?!\d)(?:\s*([ap])\.?\s?m\b)?", re.IGNORECASE
)
_WORD = re.compile(r"[a-z0-9]+(?::\d+)*(?:'[a-z]+)?")
_IGNORED = frozenset({"the", "a", "an", "is", "are", "they", "both", "on", "at", "in", "of", "it"})
_SAME_AS: Mapping[str, str] = {"same": "equal"}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of answer: the ways to read its items in a text, and their equality."""

    readers: tuple[Callable[[str], tuple[str, ...]], ...]
    same: Callable[[str, str], bool] = same_number

    def agrees(self, gold: str, text: str, *, last: bool = False) -> bool:
        """Return True where a text holds the items of a gold text and no other, in any order.

        With `last`, only as many from the end of the text are read as gold has.
        """
        right = self.readers[0](gold)
        start = -len(right) if last else 0
        return any(self._match(right, read(text)[start:]) for read in self.readers)

    def _match(self, right: Sequence[str], items: Sequence[str]) -> bool:
        remaining = list(items)
        if len(remaining) != len(right):
            return False
        for gold in right:
            match = next((item for item in remaining if self.same(gold, item)), None)
            if match is None:
                return False
            remaining.remove(match)
        return True


def _separated(text: str) -> tuple[str, ...]:
    """Return the numbers of a text where every comma separates; powers and indices are none."""
    return _with_thousands(re.sub(r",(?!\})", ", ", text))


def _with_thousands(text: str) -> tuple[str, ...]:
    """Return the numbers of a text where `1,000` is one; powers and indices are none."""
    return numbers(_POWER.sub(" ", text))


def _ratios(text: str) -> tuple[str, ...]:
    r"""Return the ratios of a text: `3:2`, `3 to 2`, `3/2` and `\frac{3}{2}` are `3/2`."""
    plain = _WRAPPED_SIGN.sub(r"\1", _SPACING.sub(" ", text))
    return tuple(ratio for ratio in numbers(_RATIO_SIGN.sub("/", plain)) if "/" in ratio)


def _times(text: str) -> tuple[str, ...]:
    """Return the times of day of a text: `3:30 p.m.` is `3:30:00 p`."""
    return tuple(
        f"{hour}:{minute}:{second or '00'} {half.lower()}"
        for hour, minute, second, half in _TIME.findall(_LATEX.sub(" ", text))
    )


def same_time(gold: str, time: str) -> bool:
    """Return True where two times such as `3:30:00 p` can be the same time of day."""
    return bool(_moments(gold) & _moments(time))


def _moments(time: str) -> frozenset[tuple[int, str]]:
    """Return the times of a day of 24 hours that a time can be, as hour and rest."""
    clock, _, half = time.partition(" ")
    written, _, rest = clock.partition(":")
    hour = int(written)
    if half:
        hours = {hour % 12 + 12 * (half == "p")}
    else:
        hours = {hour % 12, hour % 12 + 12} if 0 < hour <= 12 else {hour}
    return frozenset((hour, rest) for hour in hours)


SEVERAL = Kind((_separated, _with_thousands))
RATIO = Kind((_ratios,))
TIME = Kind((_times,), same_time)


def _words(text: str) -> frozenset[str]:
    """Return the words of a text in normal form, without articles and the like."""
    plain = _LATEX.sub(" ", text.lower().replace("\u2019", "'"))
    plain = re.sub(r"\b([ap])\.\s?m\b\.?", r"\1m", plain)
    plain = re.sub(r"\b(\d+)(?:st|nd|rd|th)\b", r"\1", plain)
    words = (word.removesuffix("'s") for word in _WORD.findall(plain) if word not in _IGNORED)
    stems = (word[:-1] if re.fullmatch(r".{3,}s", word) else word for word in words)
    return frozenset(_SAME_AS.get(stem, stem) for stem in stems)


def same_words(gold: str, answer: str, question: str) -> bool:
    """Return True for the gold words; words of the question may be left out or added.

    Asked which location, "Westford" is "Westford location". Any other word makes it wrong.
    """
    gold_words, answer_words, question_words = map(_words, (gold, answer, question))
    if gold_words <= question_words:
        return answer_words == gold_words
    return gold_words - question_words <= answer_words <= gold_words | question_words

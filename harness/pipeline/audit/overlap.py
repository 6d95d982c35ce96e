"""Questions of a suite that occur in training prompts: contamination, as far as text shows it.

A prompt is a question in a frame (instruction, worked examples) that its suite's prompts share,
so the frame is taken away first. Then two measures:

- the question's text, lower case and with white space collapsed, is a whole training prompt;
- the question and training prompts share runs of 13 words (lower case, without punctuation), the
  measure of GPT-3's appendix C (arXiv 2005.14165); a question of 8 to 12 words is one run.

One run in many is no more than a common turn of phrase, so a question is called known only where
half of its runs are. A paraphrase is not found.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from operator import eq

RUN = 13
_SHORTEST = 8
_KNOWN = 0.5
_ENOUGH = 4  # prompts that must be there before a run can be called common to most of them


#: The name of where a prompt comes from (a sample's id, or `file:row`), and its text.
Prompt = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Question:
    """A sample's prompt without the frame of its suite; `name` is the sample's id.

    Attributes:
        texts: normalised texts, each of which would be the question as a whole training prompt.
        runs: its runs of words.
    """

    name: str
    texts: frozenset[str]
    runs: frozenset[str]


@dataclass(frozen=True, slots=True)
class Overlap:
    """A question found among the training prompts; `name` is the sample's id.

    Attributes:
        source: `file:row` of the first training prompt that holds `words`.
        whole: its whole text is a training prompt.
        share: the fraction of its runs that training prompts hold; 1 where `whole`.
        words: one of those runs, or the text.
    """

    name: str
    source: str
    whole: bool
    share: float
    words: str

    @property
    def known(self) -> bool:
        """True where training prompts contain at least half of the question."""
        return self.share >= _KNOWN


def extract_questions(prompts: Sequence[Prompt]) -> list[Question]:
    """Return the question of each prompt; all prompts are of one stratum of a suite."""
    words = without_frame([_words(text) for _, text in prompts])
    common = _common_runs(words)
    lines = without_frame([text.splitlines() for _, text in prompts])
    spaced = without_frame([text.split() for _, text in prompts])
    questions = []
    for prompt, own_lines, own_parts, own_words in zip(prompts, lines, spaced, words, strict=True):
        name, text = prompt
        texts = (text, "\n".join(own_lines), " ".join(own_parts))
        normalised = frozenset(filter(None, map(_normalise, texts)))
        questions.append(Question(name, normalised, frozenset(_runs(own_words)) - common))
    return questions


def find_overlaps(questions: Iterable[Question], trained: Iterable[Prompt]) -> dict[str, Overlap]:
    """Map each sample id to what training prompts hold of it; samples without any are absent.

    Memory grows with the questions, not with the training prompts.
    """
    questions = tuple(questions)
    texts = {text for question in questions for text in question.texts}
    runs = {run for question in questions for run in question.runs}
    lengths = {RUN} | {run.count(" ") + 1 for run in runs}
    seen: dict[str, str] = {}
    for name, prompt in trained:
        text = _normalise(prompt)
        if text in texts:
            seen.setdefault(text, name)
        words = _words(prompt)
        for run in (run for length in lengths for run in _of(words, length)):
            if run in runs:
                seen.setdefault(run, name)
    return {q.name: overlap for q in questions if (overlap := _overlap(q, seen)) is not None}


def _normalise(text: str) -> str:
    return " ".join(text.casefold().split())


def without_frame(items: Sequence[list[str]]) -> list[list[str]]:
    """Return each sequence without the start and the end that all of them share.

    A single sequence, and one that consists of the shared parts, are returned whole.
    """
    if len(set(map(tuple, items))) < 2:
        return list(items)
    start = _shared(items)
    end = min(_shared([item[::-1] for item in items]), min(map(len, items)) - start)
    return [item[start : len(item) - end] or item for item in items]


def _shared(items: Sequence[list[str]]) -> int:
    """Return how many parts at the start all items share: those of the least and the greatest."""
    return sum(takewhile(bool, map(eq, min(items), max(items))))


def _common_runs(items: Sequence[Sequence[str]]) -> frozenset[str]:
    """Return the runs of more than half of the items: an instruction inside, not a question."""
    if len(items) < _ENOUGH:
        return frozenset()
    counts = Counter(run for words in items for run in set(_runs(words)))
    return frozenset(run for run, count in counts.items() if 2 * count > len(items))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _runs(words: Sequence[str]) -> Iterator[str]:
    if len(words) >= _SHORTEST:
        yield from _of(words, min(len(words), RUN))


def _of(words: Sequence[str], length: int) -> Iterator[str]:
    for place in range(len(words) - length + 1):
        yield " ".join(words[place : place + length])


def _overlap(question: Question, seen: Mapping[str, str]) -> Overlap | None:
    for text in sorted(question.texts):
        if text in seen:
            return Overlap(question.name, seen[text], whole=True, share=1.0, words=text)
    held = sorted(run for run in question.runs if run in seen)
    if not held:
        return None
    share = len(held) / len(question.runs)
    return Overlap(question.name, seen[held[0]], whole=False, share=share, words=held[0])

r"""The protocol of Eurus's table, as a variant of a suite: one prompt, one reading, loose checks.

Section C of "Advancing LLM Reasoning Generalists with Preference Trees" (Yuan et al. 2024, arXiv
2404.02078) and OpenBMB/Eurus @ fd72db1861ef009fede0dbe5bcc9893c9012dacf, described anew: chat
without examples, the instruction (our words) before the question, greedy, 1,024 tokens. What is
read: the text behind the last "answer:", "answer is" or "answers are", or before "is the answer";
of that the last box; without a trailing sentence; behind the last be, is, are, get, colon or equals
sign. What is equal: the same text in normal form, or numbers within 1e-4 of each other's size, 100
times or a hundredth of it too, pi also as 3.14; tuples and matrices member by member, whatever
their brackets. `accuracy` is this; `accuracy_strict` is the headline of the suite that it varies.

Left out: symbolic equality (upstream asks sympy, which evaluates model text), so that 2(k+1) is not
2k+2 here; nested tuples; programs of thought, and so the better of text and program, which the
paper reports. Numbers of another protocol than the paper's table, then.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from eval_suites.grading import latex
from eval_suites.grading.answers import last_box
from eval_suites.grading.forms import elements, group
from eval_suites.grading.mathematics import LONGEST
from eval_suites.grading.status import status_of
from eval_suites.grading.values import value_of
from eval_suites.problems.word_problems import HEADLINE, once
from eval_suites.requests import Answer, Decoding, Request
from eval_suites.sandbox.checks import Outcome
from eval_suites.scores import Score
from eval_suites.suite import S, Suite

INSTRUCTION = (
    "Solve this problem step by step. Simplify your result as far as possible and write it "
    "inside \\boxed{}."
)
DECODING = Decoding(max_tokens=1024)
STRICT = "accuracy_strict"
_BEHIND = re.compile(r"answer:|answer is\b|answers are\b", re.IGNORECASE)
_BEFORE = re.compile(r"\b(?:is|are) (?:the )?answers?\b", re.IGNORECASE)
_SAID = re.compile(r"\b(?:be|is|are|get)\b|=|:(?=\s)", re.IGNORECASE)
_PI = re.compile(r"\\?\bpi(?![A-Za-z])|\u03c0")
#: How near two numbers are, by size, and the factors that are forgiven.
_NEAR = Fraction(1, 10_000)
_FACTORS = (Fraction(1), Fraction(100), Fraction(1, 100))


def variant(
    suite: Suite[S],
    name: str,
    question: Callable[[S], str],
    right: Callable[[S, str], bool],
    version: str = "2",
) -> Suite[S]:
    """A suite under this protocol.

    Args:
        suite: whose samples are asked, whose files are read, and whose headline is the strict one.
        name: of the variant.
        question: the text of a sample.
        right: whether what was read is the answer to a sample.
        version: of the variant.
    """

    def ask(sample: S, answers: tuple[Answer, ...]) -> tuple[Request, ...]:
        return once(f"{INSTRUCTION}\n\n{question(sample)}", answers, DECODING)

    def score(
        sample: S,
        answers: tuple[Answer, ...],
        verdicts: tuple[Answer, ...],
        outcomes: tuple[Outcome, ...],
    ) -> Score:
        strict = suite.score(sample, answers, verdicts, outcomes)
        said = reading(answers[0].text)
        value = 0.0 if said is None else float(right(sample, said))
        return _beside(strict, answers[0], said, value)

    sampling = replace(suite.sampling, decoding=DECODING)
    return replace(suite, name=name, version=version, ask=ask, score=score, sampling=sampling)


def reading(text: str) -> str | None:
    """What a response says as its answer (see above); None where nothing marks one."""
    part = _marked(text)
    box = last_box(text if part is None else part)
    said = box or (text if part is None else part)
    sentence = said.rpartition(". ")[0] or said
    found = _behind_verb(sentence)
    if part is None and box is None and found == sentence:
        return None
    return found.strip(" \t\n*:").rstrip(".").rstrip(" *") or None


def agrees(gold: str, said: str) -> bool:
    """Whether what was read is the gold answer, by the loose rules (see above)."""
    if len(said) > LONGEST:
        return False
    gold = _behind_verb(gold)
    if _same(gold, said):
        return True
    ones, others = _members(gold), _members(said)
    return len(ones) == len(others) > 1 and all(map(_same, ones, others))


def _beside(strict: Score, answer: Answer, said: str | None, value: float) -> Score:
    """The loose score with the strict one beside it; where that failed by our fault, only that."""
    if strict.value is None:
        return strict
    subsets = {name: value for name in strict.metrics if name.endswith(f"/{HEADLINE}")}
    metrics = {HEADLINE: value, STRICT: strict.value, **subsets}
    return Score(value, status_of(answer, said), said, metrics=metrics)


def _marked(text: str) -> str | None:
    """The text that a marker points to, the last one; None without one."""
    for found in reversed(list(_BEHIND.finditer(text))):
        if text[found.end() :].strip(" \t\n*"):
            return text[found.end() :]
    before = list(_BEFORE.finditer(text))
    return text[: before[-1].start()] if before else None


def _behind_verb(text: str) -> str:
    *_, start = (0, *(found.end() for found in _SAID.finditer(text)))
    return text[start:] if text[start:].strip(" .$") else text


def _members(text: str) -> tuple[str, ...]:
    plain = latex.normalise(text)
    inside = group(plain)
    return inside.members if inside else elements(plain)


def _same(gold: str, said: str) -> bool:
    plain = latex.normalise(gold)
    if plain and plain == latex.normalise(said):
        return True
    return any(_near(one, other) for one in _values(gold) for other in _values(said))


def _values(text: str) -> list[Fraction]:
    """The value of a text, if it has one, with pi as it is and as 3.14."""
    found = (value_of(one) for one in dict.fromkeys((text, _PI.sub("(3.14)", text))))
    return [Fraction(one) for one in found if one is not None]


def _near(gold: Fraction, said: Fraction) -> bool:
    return any(abs(said - gold * factor) <= _NEAR * abs(gold * factor) for factor in _FACTORS)

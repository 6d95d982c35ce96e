r"""The protocol of Eurus's table, as a variant of a suite: one prompt, one reading, loose checks.

Section C of "Advancing LLM Reasoning Generalists with Preference Trees" (Yuan et al. 2024, arXiv
2404.02078) and OpenBMB/Eurus @ fd72db1861ef009fede0dbe5bcc9893c9012dacf, described anew: chat
without examples, the instruction (our words) before the question, greedy, 1,024 tokens. The text
behind the last "answer:", "answer is" or "answers are", or before "is the answer", is read; of that
the last box; without a trailing sentence; behind the last be, is, are, get, colon or equals sign.
Equal is the same text in normal form, or a number within 1e-4 of the other's size, 100 times or a
hundredth of it too, pi also as 3.14; tuples and matrices member by member, whatever their brackets.
`accuracy` is this; `accuracy_strict` is the headline of the suite that it varies.

Left out: symbolic equality (upstream asks sympy, which evaluates model text), so that 2(k+1) is not
2k+2 here; nested tuples; programs of thought, and so the better of text and program, which the
paper reports. Numbers of another protocol than the paper's table, then.
"""

import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any, TypeVar

from eval_suites.grading import latex
from eval_suites.grading.declarations import last_box
from eval_suites.grading.forms import elements, group
from eval_suites.grading.mathematics import LONGEST
from eval_suites.grading.status import status_of
from eval_suites.grading.values import value_of
from eval_suites.problems.one_turn import HEADLINE, Question, ask_chat
from eval_suites.requests import Decoding
from eval_suites.scores import Score
from eval_suites.suite import Answers, Outcomes, Suite

Q = TypeVar("Q", bound=Question)

INSTRUCTION = (
    "Solve this problem step by step. Simplify your result as far as possible and write it "
    "inside \\boxed{}."
)
DECODING = Decoding(max_tokens=1024)
STRICT = "accuracy_strict"
_BEHIND = re.compile(r"answer:|answer is\b|answers are\b", re.IGNORECASE)
_BEFORE = re.compile(r"\b(?:is|are) (?:the )?answers?\b", re.IGNORECASE)
_VERB = re.compile(r"\b(?:be|is|are|get)\b|=|:(?=\s)", re.IGNORECASE)
_PI = re.compile(r"\\?\bpi(?![A-Za-z])|\u03c0")
#: The relative difference of two numbers that is forgiven, and the factors that are.
_TOLERANCE = Fraction(1, 10_000)
_FACTORS = (Fraction(1), Fraction(100), Fraction(1, 100))


def is_gold(sample: Any, text: str) -> bool:
    """Return True where a text that was read agrees with the sample's `gold`."""
    return agrees(sample.gold, text)


def variant(
    suite: Suite[Q], name: str, is_right: Callable[[Q, str], bool] = is_gold, version: str = "3"
) -> Suite[Q]:
    """Return a suite under this protocol.

    Args:
        suite: has the samples and files; its headline is the strict one.
        name: of the variant.
        is_right: compares a sample with the text that was read as its answer.
        version: of the variant.
    """

    def score(sample: Q, answers: Answers, verdicts: Answers, outcomes: Outcomes) -> Score:
        strict = suite.score(sample, answers, verdicts, outcomes)
        if strict.value is None:
            return strict
        text = reading(answers[0].text)
        value = 0.0 if text is None else float(is_right(sample, text))
        subsets = {name: value for name in strict.metrics if name.endswith(f"/{HEADLINE}")}
        metrics = {HEADLINE: value, STRICT: strict.value, **subsets}
        return Score(value, status_of(answers[0], text), text, metrics=metrics)

    return replace(
        suite,
        name=name,
        version=version,
        ask=ask_chat(lambda sample: f"{INSTRUCTION}\n\n{sample.question}", DECODING),
        score=score,
        sampling=replace(suite.sampling, decoding=DECODING),
    )


def reading(text: str) -> str | None:
    """Return the answer that a response gives (see above); None where nothing marks one."""
    part = _marked(text)
    box = last_box(text if part is None else part)
    sentence = box or (text if part is None else part)
    sentence = sentence.rpartition(". ")[0] or sentence
    answer = _behind_verb(sentence)
    if part is None and box is None and answer == sentence:
        return None
    return answer.strip(" \t\n*:").rstrip(".").rstrip(" *") or None


def agrees(gold: str, text: str) -> bool:
    """Return True where a text that was read is the gold answer, by the loose rules (see above)."""
    if len(text) > LONGEST:
        return False
    gold = _behind_verb(gold)
    if _same(gold, text):
        return True
    golds, members = _members(gold), _members(text)
    return len(golds) == len(members) > 1 and all(map(_same, golds, members))


def _marked(text: str) -> str | None:
    """Return the text that the last marker points to; None without one."""
    for marker in reversed(list(_BEHIND.finditer(text))):
        if text[marker.end() :].strip(" \t\n*"):
            return text[marker.end() :]
    markers = list(_BEFORE.finditer(text))
    return text[: markers[-1].start()] if markers else None


def _behind_verb(text: str) -> str:
    *_, start = (0, *(verb.end() for verb in _VERB.finditer(text)))
    return text[start:] if text[start:].strip(" .$") else text


def _members(text: str) -> tuple[str, ...]:
    plain = latex.normalise(text)
    bracketed = group(plain)
    return bracketed.members if bracketed else elements(plain)


def _same(gold: str, text: str) -> bool:
    plain = latex.normalise(gold)
    if plain and plain == latex.normalise(text):
        return True
    return any(
        abs(value - right * factor) <= _TOLERANCE * abs(right * factor)
        for right, value, factor in itertools.product(_values(gold), _values(text), _FACTORS)
    )


def _values(text: str) -> list[Fraction]:
    """Return the value of a text, if it has one, with pi as it is and as 3.14."""
    values = map(value_of, dict.fromkeys((text, _PI.sub("(3.14)", text))))
    return [Fraction(value) for value in values if value is not None]

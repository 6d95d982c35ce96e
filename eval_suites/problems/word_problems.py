"""The common parts of suites of word problems: one question, one number, metrics of subsets.

They are asked exactly as `gsm8k` is, so that their numbers can be compared with its number.
"""

from dataclasses import dataclass, replace

from eval_suites.grading.quantities import closing_quantity, declared_quantity, last_quantity
from eval_suites.grading.status import numeric_score
from eval_suites.problems.one_turn import ask_question, score_answer
from eval_suites.requests import Answer, Decoding
from eval_suites.scores import Score

INSTRUCTION = (
    "Work through the problem step by step. Then give the final number alone inside \\boxed{}."
)
CHAT_DECODING = Decoding(max_tokens=512)
HEADLINE = "accuracy"
FLEXIBLE = "accuracy_flexible"


@dataclass(frozen=True, slots=True)
class Sample:
    """A problem, its gold number in normal form, and the subset that has a metric of its own."""

    id: str
    question: str
    gold: str
    subset: str


def number_score(answer: Answer, gold: str, text: str | None = None) -> Score:
    """Return `accuracy` by the declared number and `accuracy_flexible` by the last number.

    Args:
        answer: the model's answer.
        gold: the right number.
        text: the part of the answer that counts; None for all of it.
    """
    text = answer.text if text is None else text
    declared = declared_quantity(text)
    if declared is None and answer.finish_reason != "length":
        declared = closing_quantity(text)
    readings = {HEADLINE: declared, FLEXIBLE: last_quantity(text)}
    return numeric_score(answer, gold, HEADLINE, readings)


def in_subset(score: Score, subset: str) -> Score:
    """Return the score with its headline also under the name of a subset (`addition/accuracy`)."""
    subset_metric = {f"{subset}/{HEADLINE}": score.metrics[HEADLINE]}
    return replace(score, metrics={**score.metrics, **subset_metric})


def snake_case(name: str) -> str:
    """Return `Common-Division` and `common division` as `common_division`."""
    return name.strip().lower().replace("-", "_").replace(" ", "_")


def _score(sample: Sample, answer: Answer) -> Score:
    return in_subset(number_score(answer, sample.gold), sample.subset)


ask = ask_question(INSTRUCTION, CHAT_DECODING)
score = score_answer(_score)

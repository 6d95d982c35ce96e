"""What the suites of word problems share: one question a chat, one number, metrics of subsets.

They are asked exactly as `gsm8k` is, so that their numbers stand beside its number.
"""

from dataclasses import dataclass, replace

from eval_suites.grading.answers import flexible_answer, strict_answer
from eval_suites.grading.status import numeric_score
from eval_suites.requests import Answer, Decoding, Message, Request
from eval_suites.sandbox.checks import Outcome
from eval_suites.scores import Score

INSTRUCTION = (
    "Work through the problem step by step. Then give the final number alone inside \\boxed{}."
)
CHAT_DECODING = Decoding(max_tokens=512)
HEADLINE = "accuracy"
FLEXIBLE = "accuracy_flexible"


@dataclass(frozen=True, slots=True)
class Sample:
    """A problem, its gold number in normal form, and the subset that its metric is also told of."""

    id: str
    question: str
    gold: str
    subset: str


def ask(sample: Sample, answers: tuple[Answer, ...]) -> tuple[Request, ...]:
    """The question with GSM8K's instruction, once."""
    return once(f"{sample.question}\n\n{INSTRUCTION}", answers)


def once(
    text: str, answers: tuple[Answer, ...], decoding: Decoding = CHAT_DECODING
) -> tuple[Request, ...]:
    """One user's message, and nothing more once it is answered."""
    return () if answers else (Request(messages=(Message("user", text),), decoding=decoding),)


def score(
    sample: Sample,
    answers: tuple[Answer, ...],
    _verdicts: tuple[Answer, ...],
    _outcomes: tuple[Outcome, ...],
) -> Score:
    """The declared number and the last number against the gold number."""
    return in_subset(number_score(answers[0], sample.gold), sample.subset)


def number_score(answer: Answer, gold: str) -> Score:
    """`accuracy` by what the answer declares, `accuracy_flexible` by its last number."""
    text = answer.text
    readings = {HEADLINE: strict_answer(text), FLEXIBLE: flexible_answer(text)}
    return numeric_score(answer, gold, HEADLINE, readings)


def in_subset(score: Score, subset: str) -> Score:
    """The same score, its headline also under the name of a subset (`addition/accuracy`)."""
    return replace(
        score, metrics={**score.metrics, f"{subset}/{HEADLINE}": score.metrics[HEADLINE]}
    )


def snake_case(name: str) -> str:
    """`Common-Division` and `common division` as `common_division`."""
    return name.strip().lower().replace("-", "_").replace(" ", "_")

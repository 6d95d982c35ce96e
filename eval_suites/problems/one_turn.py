"""The parts of a suite that asks each sample once and reads one answer.

Behind them those of word problems: one question, one number, metrics of subsets. They are asked
exactly as `gsm8k` is, so that their numbers can be compared with its number.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from eval_suites import suite
from eval_suites.grading.quantities import closing_quantity, declared_quantity, last_quantity
from eval_suites.grading.status import compared_score, numeric_score
from eval_suites.requests import Answer, Decoding, Message, Request
from eval_suites.scores import Score
from eval_suites.suite import Answers, Outcomes, Requests, S, SamplingRules, Suite

INSTRUCTION = (
    "Work through the problem step by step. Then give the final number alone inside \\boxed{}."
)
CHAT_DECODING = Decoding(max_tokens=512)
HEADLINE = "accuracy"
FLEXIBLE = "accuracy_flexible"


class Question(suite.Sample, Protocol):
    """A sample with the text of a question."""

    @property
    def question(self) -> str:
        """The text of the question."""


def ask_chat(
    prompt: Callable[[S], str], decoding: Decoding, prefix: str = ""
) -> Callable[[S, Answers], Requests]:
    """Return an `ask` that sends one user message.

    Args:
        prompt: returns the message for a sample.
        decoding: the settings.
        prefix: the beginning of the assistant's answer.
    """

    def ask(sample: S, answers: Answers) -> Requests:
        messages = (Message("user", prompt(sample)),)
        return () if answers else (Request(messages=messages, prefix=prefix, decoding=decoding),)

    return ask


def ask_question(instruction: str, decoding: Decoding) -> Callable[[Question, Answers], Requests]:
    """Return an `ask` that sends the question of a sample with an instruction below it."""
    return ask_chat(lambda sample: f"{sample.question}\n\n{instruction}", decoding)


def ask_text(prompt: Callable[[S], str], decoding: Decoding) -> Callable[[S, Answers], Requests]:
    """Return an `ask` that sends one plain text, which `prompt` returns for a sample."""
    return lambda sample, answers: (
        () if answers else (Request(text=prompt(sample), decoding=decoding),)
    )


def score_answer(
    score: Callable[[S, Answer], Score],
) -> Callable[[S, Answers, Answers, Outcomes], Score]:
    """Return a suite's `score` that looks at the only answer, without verdicts and outcomes."""
    return lambda sample, answers, _verdicts, _outcomes: score(sample, answers[0])


def before(stop: str, text: str) -> str:
    """Return the text before a stop string, which an engine or a stored answer may include."""
    return text.split(stop, 1)[0]


@dataclass(frozen=True, slots=True)
class Sample:
    """A problem and its gold number in normal form.

    Attributes:
        subset: has a metric of its own; "" for none.
        examples: worked ones that go before the question; none in a chat.
    """

    id: str
    question: str
    gold: str
    subset: str = ""
    examples: str = ""


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


def words_score(answer: Answer, extracted: str | None, strict: bool, flexible: bool) -> Score:
    """Return the score of an answer that is no number, with the metrics of one that is."""
    return compared_score(answer, extracted, HEADLINE, {HEADLINE: strict, FLEXIBLE: flexible})


def in_subset(score: Score, subset: str) -> Score:
    """Return the score with its headline also under the name of a subset (`addition/accuracy`).

    The score stays as it is where the subset has no name.
    """
    if not subset:
        return score
    own = f"{snake_case(subset)}/{HEADLINE}"
    return replace(score, metrics={**score.metrics, own: score.metrics[HEADLINE]})


def snake_case(name: str) -> str:
    """Return `Common-Division` and `common division` as `common_division`."""
    return name.strip().lower().replace("-", "_").replace(" ", "_")


def number_suite(
    score: Callable[[Sample, Answer], Score] = lambda s, a: number_score(a, s.gold), **facts: Any
) -> Suite[Sample]:
    """Return a suite of word problems that are asked as `gsm8k` is.

    Args:
        score: returns the score of an answer, without the metric of its subset.
        facts: the name, version, source, licence and `load`, as in `Suite`.
    """
    return Suite(
        **facts,
        headline=HEADLINE,
        ask=ask_question(INSTRUCTION, CHAT_DECODING),
        score=score_answer(lambda sample, answer: in_subset(score(sample, answer), sample.subset)),
        sampling=SamplingRules(decoding=CHAT_DECODING),
    )

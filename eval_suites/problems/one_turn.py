"""The parts of a suite that asks each sample once and reads one answer."""

from collections.abc import Callable
from typing import Protocol

from eval_suites.requests import Answer, Decoding, Message, Request
from eval_suites.scores import Score
from eval_suites.suite import Answers, Outcomes, Requests, S


class Question(Protocol):
    """A sample with the text of a question."""

    @property
    def id(self) -> str:
        """The sample's id."""

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
        if answers:
            return ()
        messages = (Message("user", prompt(sample)),)
        return (Request(messages=messages, prefix=prefix, decoding=decoding),)

    return ask


def ask_question(instruction: str, decoding: Decoding) -> Callable[[Question, Answers], Requests]:
    """Return an `ask` that sends the question of a sample with an instruction below it."""
    return ask_chat(lambda sample: f"{sample.question}\n\n{instruction}", decoding)


def ask_text(prompt: Callable[[S], str], decoding: Decoding) -> Callable[[S, Answers], Requests]:
    """Return an `ask` that sends one plain text, which `prompt` returns for a sample."""

    def ask(sample: S, answers: Answers) -> Requests:
        return () if answers else (Request(text=prompt(sample), decoding=decoding),)

    return ask


def score_answer(
    score: Callable[[S, Answer], Score],
) -> Callable[[S, Answers, Answers, Outcomes], Score]:
    """Return a suite's `score` that looks at the only answer, without verdicts and outcomes."""

    def score_first(sample: S, answers: Answers, _verdicts: Answers, _outcomes: Outcomes) -> Score:
        return score(sample, answers[0])

    return score_first


def before(stop: str, text: str) -> str:
    """Return the text before a stop string, which an engine or a stored answer may include."""
    return text.split(stop, 1)[0]

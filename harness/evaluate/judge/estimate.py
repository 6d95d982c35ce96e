"""How much a judge will be asked at most, from what a suite asks of answers that are not there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from eval_suites.requests import Answer, Request
from eval_suites.suite import Suite
from harness.evaluate.client.job import EvalJob
from harness.evaluate.client.task import MAX_TURNS
from harness.evaluate.judge.budget import Price, dollars
from harness.progress.events import Reporter
from harness.recipe.schema import JudgeChoice

#: Characters of a token of English, roughly: nobody knows an endpoint's tokenizer.
_CHARACTERS = 4


@dataclass(frozen=True, slots=True)
class Estimate:
    """Requests to a judge and their tokens, were every answer and every reply as long as it may be.

    `first` are the requests that are made in any case, `requests` all of them, were no reply
    readable.
    """

    first: int = 0
    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: "Estimate") -> "Estimate":
        """Both together."""
        return Estimate(
            self.first + other.first,
            self.requests + other.requests,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
        )

    def times(self, count: int) -> "Estimate":
        """So many of them."""
        return Estimate(
            self.first * count,
            self.requests * count,
            self.prompt_tokens * count,
            self.completion_tokens * count,
        )


def estimate(suite: Suite[Any], samples: Iterable[Any]) -> Estimate:
    """What one judging of one checkpoint's answers will ask at most."""
    return sum((_of_sample(suite, sample) for sample in samples), Estimate())


def tell_judging(
    job: EvalJob, asked: Iterable[tuple[Suite[Any], Sequence[Any]]], report: Reporter
) -> None:
    """Tell what judging an evaluation takes, where it is judged.

    Args:
        job: the evaluation.
        asked: its suites with their samples.
        report: hears it as a note.
    """
    judge = job.judge
    found = sum((estimate(suite, samples) for suite, samples in asked), Estimate())
    if judge is not None and found.requests:
        times = len(job.models) * job.repeats * judge.repeats
        report({"event": "note", "text": told(found.times(times), judge)})


def words(found: Estimate) -> str:
    """Requests and tokens."""
    least = f"{found.first:,} to " if found.first < found.requests else ""
    return (
        f"{least}{found.requests:,} requests, at most about {found.prompt_tokens:,} prompt and "
        f"{found.completion_tokens:,} completion tokens"
    )


def told(found: Estimate, judge: JudgeChoice) -> str:
    """The same of a judge; dollars where the price is known."""
    model = judge.model if judge.remote else judge.model.rpartition("/")[2]
    said = f"judge {judge.name}:{model}: {words(found)}"
    if judge.price is not None:
        most = Price(*judge.price).of(found.prompt_tokens, found.completion_tokens)
        said += f", {dollars(most)}"
    elif judge.remote:
        said += ", at a price that nobody stated (--judge-price IN,OUT)"
    return f"{said}; verdicts in the journal cost nothing"


def _of_sample(suite: Suite[Any], sample: Any) -> Estimate:
    answers = _long_answers(suite, sample)
    first = requests = suite.judge(sample, answers, ())
    found = Estimate(first=len(first))
    replies: tuple[Answer, ...] = ()
    for _ in range(MAX_TURNS):
        if not requests:
            break
        found += _of_requests(requests)
        replies += (Answer(""),) * len(requests)
        requests = suite.judge(sample, answers, replies)
    return found


def _of_requests(requests: Sequence[Request]) -> Estimate:
    texts = [message.content for request in requests for message in request.messages]
    texts += [request.text or "" for request in requests]
    return Estimate(
        requests=len(requests),
        prompt_tokens=sum(map(len, texts)) // _CHARACTERS,
        completion_tokens=sum(r.n * r.decoding.max_tokens for r in requests),
    )


def _long_answers(suite: Suite[Any], sample: Any) -> tuple[Answer, ...]:
    """Answers of as many characters as their tokens may have."""
    answers: tuple[Answer, ...] = ()
    for _ in range(MAX_TURNS):
        requests = suite.ask(sample, answers)
        if not requests:
            break
        sizes = (request.decoding.max_tokens for request in requests)
        answers += tuple(Answer("abc " * size, tokens=size) for size in sizes)
    return answers

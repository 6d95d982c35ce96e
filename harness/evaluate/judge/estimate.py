"""An estimate of the requests to a judge, from the questions that a suite asks about no answers."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from functools import partial
from typing import Any

from eval_suites.requests import Answer, Request
from eval_suites.suite import Answers, Requests, Suite
from harness.evaluate.client.job import EvalJob
from harness.evaluate.client.loading import characters
from harness.evaluate.client.tasks import MAX_TURNS
from harness.evaluate.judge.budget import cost, dollars
from harness.progress.events import Reporter, note_to
from harness.recipe.schema import JudgeChoice

#: Characters of a token of English, roughly: an endpoint's tokenizer is not known.
_CHARACTERS = 4
STAND_IN = "(the model's answer)"


@dataclass(frozen=True, slots=True)
class Estimate:
    """Requests to a judge and their tokens, were every answer and reply as long as it may be.

    `first` are the requests that are made in any case, `requests` all of them, were no reply
    readable.
    """

    first: int = 0
    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: "Estimate") -> "Estimate":
        """Return the sum of both."""
        return Estimate(*map(sum, zip(astuple(self), astuple(other), strict=True)))

    def times(self, count: int) -> "Estimate":
        """Return the estimate of as many judgings."""
        return Estimate(*(value * count for value in astuple(self)))


def estimate(suite: Suite[Any], samples: Iterable[Any]) -> Estimate:
    """Return the most that one judging of one checkpoint's answers asks for."""
    return sum((_of_sample(suite, sample) for sample in samples), Estimate())


def report_estimate(
    job: EvalJob, suites: Iterable[tuple[Suite[Any], Sequence[Any]]], report: Reporter
) -> None:
    """Report the requests and dollars that judging an evaluation takes, if it is judged."""
    judge = job.judge
    total = sum((estimate(suite, samples) for suite, samples in suites), Estimate())
    if judge is not None and total.requests:
        times = len(job.models) * job.repeats * judge.repeats
        note_to(report)(describe_judging(total.times(times), judge))


def describe(total: Estimate) -> str:
    """Return the requests and tokens of an estimate in words."""
    least = f"{total.first:,} to " if total.first < total.requests else ""
    return (
        f"{least}{total.requests:,} requests, at most about {total.prompt_tokens:,} prompt and "
        f"{total.completion_tokens:,} completion tokens"
    )


def describe_judging(total: Estimate, judge: JudgeChoice) -> str:
    """Return an estimate in words with the judge's name, and dollars where the price is known."""
    model = judge.model if judge.remote else judge.model.rpartition("/")[2]
    price = ""
    if judge.price is not None:
        price = f", {dollars(cost(judge.price, total.prompt_tokens, total.completion_tokens))}"
    elif judge.remote:
        price = ", at a price that is not known (--judge-price IN,OUT)"
    return (
        f"judge {judge.name}:{model}: {describe(total)}{price}; "
        "verdicts in the journal cost nothing"
    )


def preview(suite: Suite[Any], sample: Any) -> tuple[Request, ...]:
    """Return the first requests to a judge, with `STAND_IN` for answers; none without a judge."""
    if suite.judging is None:
        return ()
    return suite.judge(sample, _answers(suite, sample, lambda _: Answer(STAND_IN)), ())


def _of_sample(suite: Suite[Any], sample: Any) -> Estimate:
    answers = _answers(suite, sample, _longest_answer)
    turns = list(_turns(partial(suite.judge, sample, answers), lambda _: Answer("")))
    return Estimate(
        first=len(turns[0]) if turns else 0,
        requests=sum(map(len, turns)),
        prompt_tokens=sum(sum(map(characters, turn)) // _CHARACTERS for turn in turns),
        completion_tokens=sum(r.n * r.decoding.max_tokens for turn in turns for r in turn),
    )


def _longest_answer(request: Request) -> Answer:
    """Return an answer of as many characters as its tokens may have."""
    size = request.decoding.max_tokens
    return Answer("abc " * size, tokens=size)


def _answers(suite: Suite[Any], sample: Any, answer: Callable[[Request], Answer]) -> Answers:
    """Return made-up answers to every turn of a sample."""
    turns = _turns(partial(suite.ask, sample), answer)
    return tuple(answer(request) for turn in turns for request in turn)


def _turns(
    ask: Callable[[Answers], Requests], answer: Callable[[Request], Answer]
) -> Iterator[Requests]:
    """Yield the requests of each turn, given made-up answers to those before."""
    answers: Answers = ()
    for _ in range(MAX_TURNS):
        requests = ask(answers)
        if not requests:
            return
        yield requests
        answers += tuple(map(answer, requests))

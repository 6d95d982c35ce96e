"""One sample from its question to its line in the log: turns, checks, verdicts, score."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eval_suites.grading.suite_rules import score_sample
from eval_suites.sandbox.runner import VERSION
from eval_suites.scores import Score
from eval_suites.suite import Answers, Suite
from harness.engines.base import RequestFailed
from harness.evaluate.client.answers import Line, log_line, turn
from harness.evaluate.client.cached_client import CachedClient, Checker
from harness.evaluate.client.tasks import Task, ask_turns
from harness.evaluate.judge.judge import Judge


@dataclass(frozen=True, slots=True)
class Grader:
    """The sandbox that checks answers, and the judge where a job has one."""

    checker: Checker
    judge: Judge | None = None
    tier: str = ""

    async def score(self, task: Task, answers: Answers) -> tuple[Score, Answers]:
        """Return a sample's score, once its checks have run, and the judge's replies, if any."""
        checks = task.suite.checks(task.sample, answers)
        outcomes = tuple([await self.checker.run(check) for check in checks])
        withheld = any(answer.finish_reason == "filtered" for answer in answers)
        if self.judge is None or withheld or task.suite.judging is None:
            return score_sample(task.suite, task.sample, answers, (), outcomes), ()
        return await self.judge.score(task, answers, outcomes)

    def protocol(self, suite: Suite[Any], model: str) -> dict[str, str]:
        """Return the grading settings that must agree between two checkpoints' scores."""
        protocol = {"sandbox": VERSION} if suite.checking is not None else {}
        if suite.programs:
            protocol["tier"] = self.tier
        if self.judge is not None and suite.judging is not None:
            protocol |= self.judge.protocol((suite.name, model))
        return protocol


async def answer_task(
    task: Task, client: CachedClient, grader: Grader, finish: Callable[[Line], None]
) -> None:
    """Answer every repeat of a sample; hand each line to `finish` when it is complete.

    The first requests of all repeats are sent together.
    """
    requests, repeats = task.suite.ask(task.sample, ()), range(task.repeats)
    asking = (client.ask_all(task.model, request, repeats) for request in requests)
    try:
        opening = await asyncio.gather(*asking)
    except RequestFailed as failure:  # these requests alone: counted, never scored
        for repeat in repeats:
            finish(log_line(task.sample.id, repeat, [], _lost(failure)))
        return

    async def answer_repeat(repeat: int) -> None:
        first = tuple(answers[repeat] for answers in opening)
        turns = [turn(requests, first)] if requests else []
        try:
            answers = await ask_turns(client, task, repeat, turns, first)
        except RequestFailed as failure:
            finish(log_line(task.sample.id, repeat, turns, _lost(failure)))
        else:
            score, verdicts = await grader.score(task, answers)
            finish(log_line(task.sample.id, repeat, turns, score, verdicts))

    await asyncio.gather(*map(answer_repeat, repeats))


def _lost(failure: RequestFailed) -> Score:
    return Score(None, "infra", reason=str(failure))

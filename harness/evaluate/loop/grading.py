"""One sample from its question to its line in the log: turns, checks, verdicts, score."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval_suites.grading.suite_rules import score_sample
from eval_suites.requests import Request
from eval_suites.sandbox.runner import VERSION
from eval_suites.scores import Score
from eval_suites.suite import Suite
from harness.engines.base import RequestFailed
from harness.evaluate.client.cached_client import CachedClient, Checker
from harness.evaluate.client.sample_log import log_line, turn
from harness.evaluate.client.task import MAX_TURNS, Answers, Task
from harness.evaluate.judge.judge import Judge, is_judged

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Grader:
    """Who looks at answers: the sandbox, and the judge where a job has one."""

    checker: Checker
    judge: Judge | None = None
    tier: str = ""

    async def score(self, task: Task, answers: Answers) -> tuple[Score, Answers]:
        """A sample's score, once its checks have run, and what the judge said where it is one's."""
        checks = task.suite.checks(task.sample, answers)
        outcomes = tuple([await self.checker.run(check) for check in checks])
        withheld = any(answer.finish_reason == "filtered" for answer in answers)
        if self.judge is None or withheld or not is_judged(task.suite):
            return score_sample(task.suite, task.sample, answers, (), outcomes), ()
        return await self.judge.score(task, answers, outcomes)

    def protocol(self, suite: Suite[Any], model: str) -> dict[str, str]:
        """Their part of what must agree between two columns of a suite."""
        found = {"sandbox": VERSION} if suite.checking is not None else {}
        if suite.programs:
            found["tier"] = self.tier
        if self.judge is not None and is_judged(suite):
            found |= self.judge.protocol((suite.name, model))
        return found


async def answer_task(
    task: Task, client: CachedClient, grader: Grader, tell: Callable[[Task, Line], None]
) -> None:
    """Answer every repeat of a sample; each line is told when it is complete.

    What all repeats are asked first is asked for them together.
    """
    requests = task.suite.ask(task.sample, ())
    try:
        opening = await _together(client, task, requests)
    except RequestFailed as lost:  # these requests alone: counted, never scored
        for repeat in range(task.repeats):
            tell(task, _lost(task, repeat, [], lost))
        return

    async def finish(repeat: int) -> None:
        tell(task, await _finished(task, repeat, requests, opening[repeat], client, grader))

    await asyncio.gather(*(finish(repeat) for repeat in range(task.repeats)))


async def _together(
    client: CachedClient, task: Task, requests: tuple[Request, ...]
) -> list[Answers]:
    """The answers of the first turn, by repeat."""
    repeats = range(task.repeats)
    asked = (client.ask_all(task.model, request, repeats) for request in requests)
    by_request = await asyncio.gather(*asked)
    return [tuple(answers[repeat] for answers in by_request) for repeat in repeats]


async def _finished(
    task: Task,
    repeat: int,
    requests: tuple[Request, ...],
    first: Answers,
    client: CachedClient,
    grader: Grader,
) -> Line:
    """One repeat: its further turns, checks, verdicts and score."""
    suite, sample, answers = task.suite, task.sample, first
    turns = [turn(requests, first)] if requests else []
    try:
        while len(turns) < MAX_TURNS and (requests := suite.ask(sample, answers)):
            asked = (client.ask(task.model, request, repeat) for request in requests)
            new = tuple(await asyncio.gather(*asked))
            turns.append(turn(requests, new))
            answers += new
    except RequestFailed as lost:
        return _lost(task, repeat, turns, lost)
    score, verdicts = await grader.score(task, answers)
    return log_line(sample.id, repeat, turns, score, verdicts)


def _lost(task: Task, repeat: int, turns: Sequence[Mapping[str, Any]], lost: RequestFailed) -> Line:
    return log_line(task.sample.id, repeat, turns, Score(None, "infra", reason=str(lost)))

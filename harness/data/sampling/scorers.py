"""The scorers of responses: a suite's scorer as a verifier, a reward model, or a judge.

A scorer is handed a prompt with its responses and gives each a reward, or says why there is none.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from eval_suites.grading.suite_rules import score_sample
from eval_suites.judging.mt_bench import RATED, Dialogue, DialogueSample, load_prompts, question_of
from eval_suites.judging.prompts import Template
from eval_suites.requests import Answer
from eval_suites.sandbox.runner import Sandbox
from eval_suites.scores import Score
from eval_suites.suite import Suite
from harness.data.sampling.job import SampleJob
from harness.data.sampling.prompts import Prompt, verifier
from harness.data.sampling.resolve import judge_choice
from harness.evaluate.client.cached_client import Checker
from harness.evaluate.client.tasks import Task
from harness.evaluate.judge.judge import Judge, open_judge
from harness.storage.journal.entries import Journal

#: Returns one verdict a response of a prompt, in their order.
Scorer = Callable[[Prompt, tuple[Answer, ...]], Awaitable[tuple[Score, ...]]]


@dataclass(frozen=True, slots=True)
class Verifier:
    """A suite's own scorer: its checks go through sandbox and journal, its value is the reward."""

    suite: Suite[Any]
    checker: Checker

    async def score(self, prompt: Prompt, answers: tuple[Answer, ...]) -> tuple[Score, ...]:
        """Return the suite's score of each response to its sample."""
        gradings = (self._grade(prompt.sample, answer) for answer in answers)
        return tuple(await asyncio.gather(*gradings))

    async def _grade(self, sample: Any, answer: Answer) -> Score:
        checks = self.suite.checks(sample, (answer,))
        outcomes = tuple([await self.checker.run(check) for check in checks])
        return score_sample(self.suite, sample, (answer,), (), outcomes)


@dataclass(frozen=True, slots=True)
class Rater:
    """A judge: its rating from 1 to 10 is the reward; a reply without one is no reward."""

    judge: Judge
    templates: Mapping[str, Template]

    async def score(self, prompt: Prompt, answers: tuple[Answer, ...]) -> tuple[Score, ...]:
        """Return the judge's rating of each response to the user's last message."""
        dialogue = Dialogue((question_of(prompt.request),), self.templates)
        task = Task(self.judge.model, RATED, DialogueSample(prompt.id, dialogue), 1)
        judgements = (self.judge.score(task, (answer,), ()) for answer in answers)
        return tuple(score for score, _ in await asyncio.gather(*judgements))


@asynccontextmanager
async def scorer_of(
    job: SampleJob, journal: Journal, note: Callable[[str], None]
) -> AsyncIterator[Scorer]:
    """The scorer of a job, ready to be asked; `note` hears what starts.

    Raises:
        UserError: it cannot be used here.
    """
    if job.section.reward_model is not None:
        from harness.data.sampling.reward_model import RewardModel

        fingerprint = job.scorer.rpartition(" ")[2]
        yield RewardModel.load(job.section.reward_model, fingerprint, journal).score
        return
    if job.section.judge is not None:
        choice, templates = judge_choice(job.section), load_prompts(job.data_dir)
        fingerprint = job.scorer.removeprefix("judge ")
        async with open_judge(choice, fingerprint, job.section.seed, journal, note) as judge:
            yield Rater(judge, templates).score
        return
    suite = verifier(job.section.verifier or job.section.prompts)
    async with Sandbox(unsafe=job.unsafe) as box:
        if suite.programs:
            await box.tier()  # a machine that cannot contain them says so now
        yield Verifier(suite, Checker(box, journal)).score

"""Who rewards responses: a suite's scorer as a verifier, or a reward model.

A scorer is handed a prompt with its responses and gives each a reward, or says why there is none.
A judge would be one more `Scorer`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from eval_suites.sandbox import Sandbox
from eval_suites.scoring import settle
from eval_suites.suite import Answer, Status, Suite
from harness.evaluate.asking import Checker
from harness.journal.entries import Journal
from harness.sampling.job import SampleJob
from harness.sampling.prompts import Prompt, verifier


@dataclass(frozen=True, slots=True)
class Graded:
    """What a scorer says of one response.

    Attributes:
        reward: higher is better; None where we or a third party failed, so that there is none.
        status: as in a sample log (docs/formats.md).
        reason: in words, where there is one.
    """

    reward: float | None
    status: Status = "ok"
    reason: str = ""


class Scorer(Protocol):
    """Rewards responses."""

    async def score(self, prompt: Prompt, answers: tuple[Answer, ...]) -> tuple[Graded, ...]:
        """One verdict a response, in their order."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """A suite's own scorer: its checks go through sandbox and journal, its value is the reward."""

    suite: Suite[Any]
    checker: Checker

    async def score(self, prompt: Prompt, answers: tuple[Answer, ...]) -> tuple[Graded, ...]:
        """What the suite says of each response to its sample."""
        return tuple(await asyncio.gather(*(self._one(prompt.sample, one) for one in answers)))

    async def _one(self, sample: Any, answer: Answer) -> Graded:
        checks = self.suite.checks(sample, (answer,))
        outcomes = tuple([await self.checker.run(check) for check in checks])
        score = settle(self.suite, sample, (answer,), (), outcomes)
        return Graded(score.value, score.status, score.reason)


@asynccontextmanager
async def scorer_of(job: SampleJob, journal: Journal) -> AsyncIterator[Scorer]:
    """The scorer of a job, ready to be asked.

    Raises:
        UserError: it cannot be used here.
    """
    if job.section.reward_model is not None:
        from harness.sampling.reward_model import RewardModel

        fingerprint = job.scorer.rpartition(" ")[2]
        yield RewardModel.load(job.section.reward_model, fingerprint, journal)
        return
    suite = verifier(job.section.verifier or job.section.prompts)
    async with Sandbox(unsafe=job.unsafe) as box:
        if suite.programs:
            await box.tier()  # a machine that cannot contain them says so now
        yield Verifier(suite, Checker(box, journal))

"""The judge: one more engine, asked about answers; what it said is journalled like any answer."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from eval_suites.suite import Answer, Suite, no_requests
from harness.errors import RecipeError
from harness.evaluate.asking import Asker, Model, Tally
from harness.evaluate.columns import groups
from harness.evaluate.job import EvalJob
from harness.evaluate.restarting import Restarting
from harness.journal.entries import Journal

NAME = "judge"
MAX_TURNS = 8


@dataclass(frozen=True, slots=True)
class Referee:
    """A judge model behind the journal; `title` says in a column's protocol who judged."""

    asker: Asker
    model: Model
    title: str

    async def verdicts(
        self, suite: Suite[Any], sample: Any, answers: tuple[Answer, ...], repeat: int
    ) -> tuple[Answer, ...]:
        """The replies to all that a suite asks about one sample's answers, turn after turn.

        Raises:
            RequestFailed: a reply is lost; the sample has no verdict.
            EngineDied: the judge died too often.
        """
        replies: tuple[Answer, ...] = ()
        for _ in range(MAX_TURNS):
            requests = suite.judge(sample, answers, replies)
            if not requests:
                break
            asked = (self.asker.ask(self.model, request, repeat) for request in requests)
            replies += tuple(await asyncio.gather(*asked))
        return replies


def is_judged(suite: Suite[Any]) -> bool:
    """Whether a suite asks a judge."""
    return suite.judge is not no_requests


def require_judge(suites: Iterable[Suite[Any]], *, chosen: bool) -> None:
    """Refuse judged suites when no judge was chosen.

    Raises:
        RecipeError: naming the first such suite and the key to set.
    """
    for suite in suites:
        if is_judged(suite) and not chosen:
            raise RecipeError(
                f"suite {suite.name} needs a judge: set evaluate.judge, for example "
                "--set 'evaluate.judge={base_url: http://localhost:8000/v1, model: NAME}'"
            )


@asynccontextmanager
async def referee(
    job: EvalJob, journal: Journal, tally: Tally, starting: Callable[[str], None]
) -> AsyncIterator[Referee | None]:
    """The judge of a job, started when it is first asked; None where the job has none."""
    if job.judge is None:
        yield None
        return
    (group,) = groups({NAME: job.judge.model}, {NAME: job.judge_fingerprint}, job.judge)
    async with Restarting(
        group.make, on_start=lambda: starting(f"judge {group.engine_name}")
    ) as engine:
        asker = Asker(engine, group.identity, journal, job.seed, tally)
        yield Referee(asker, group.models[0], f"{group.engine_name} {job.judge_fingerprint}")

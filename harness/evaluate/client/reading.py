"""An evaluation's answers read again, for measurements that need more than one answer at once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Generic, TypeVar

from harness.evaluate.client.cached_client import CachedClient
from harness.evaluate.client.engine_groups import group_by_engine
from harness.evaluate.client.job import EvalJob
from harness.evaluate.client.loading import LoadedSuite, suite_protocol
from harness.evaluate.client.merging import engine_factory
from harness.evaluate.client.restarting import Restarting
from harness.evaluate.client.task import Task
from harness.progress.events import Reporter
from harness.storage.journal.entries import Journal

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CheckpointAnswers(Generic[T]):
    """One checkpoint's answers to one suite; `samples` is in the order of the suite's samples."""

    model: str
    item: LoadedSuite
    protocol: Mapping[str, str]
    samples: tuple[T, ...]


async def read_answers(
    job: EvalJob,
    loaded: Sequence[LoadedSuite],
    journal: Journal,
    folder: Path,
    report: Reporter,
    read: Callable[[CachedClient, Task], Awaitable[T]],
) -> list[CheckpointAnswers[T]]:
    """Return the answers of every checkpoint to every suite.

    An engine starts only for answers that the journal has lost. `folder` is that of the stage that
    reads, and `read` reads the answers to one sample.

    Raises:
        UserError, EngineDied: as for an evaluation, should an answer be missing.
    """
    answers = []
    for group in group_by_engine(job.models, job.fingerprints, job.engine):
        with engine_factory(
            group, folder, lambda text: report({"event": "note", "text": text})
        ) as make:
            async with Restarting(make) as engine:
                client = CachedClient(engine, group.identity, journal, job.seed)
                for model, item in product(group.models, loaded):
                    tasks = (Task(model, item.suite, s, job.repeats) for s in item.samples)
                    samples = await asyncio.gather(*(read(client, task) for task in tasks))
                    protocol = group.protocol(model) | suite_protocol(item, job)
                    answers.append(CheckpointAnswers(model.name, item, protocol, tuple(samples)))
    return answers

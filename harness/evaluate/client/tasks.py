"""Samples as tasks for a model: their turns, and the one queue of all that an engine answers.

Measurements that need more than one answer at once read all of them again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Generic, TypeVar

from eval_suites.suite import Answers, Suite
from harness.evaluate.client.answers import turn
from harness.evaluate.client.cached_client import CachedClient, Model
from harness.evaluate.client.engine_groups import group_by_engine
from harness.evaluate.client.job import EvalJob
from harness.evaluate.client.loading import LoadedSuite, suite_protocol
from harness.evaluate.client.restarting import open_engine
from harness.progress.events import Reporter, note_to
from harness.progress.throughput import Key
from harness.storage.journal.entries import Journal

T = TypeVar("T")
#: The most turns that a suite may ask of a model.
MAX_TURNS = 64


@dataclass(frozen=True, slots=True)
class Task:
    """One sample of one suite for one model, with all its repeats."""

    model: Model
    suite: Suite[Any]
    sample: Any
    repeats: int

    @property
    def key(self) -> Key:
        """The names of the suite and the checkpoint that its score is part of."""
        return self.suite.name, self.model.name


async def ask_turns(
    client: CachedClient,
    task: Task,
    repeat: int,
    turns: list[dict[str, Any]],
    answers: Answers = (),
) -> Answers:
    """Ask for the further turns of a sample; return all answers.

    `turns` are those so far, as a sample log has them; each new one is appended when it is there.
    `answers` are of these.

    Raises:
        RequestFailed: an answer is lost; `turns` has those before it.
    """
    while len(turns) < MAX_TURNS and (requests := task.suite.ask(task.sample, answers)):
        asking = (client.ask(task.model, request, repeat) for request in requests)
        replies = tuple(await asyncio.gather(*asking))
        turns.append(turn(requests, replies))
        answers += replies
    return answers


def tasks(models: Sequence[Model], loaded: Sequence[LoadedSuite], repeats: int) -> Iterator[Task]:
    """Yield everything that an engine is to answer, made as it is taken.

    The base comes before its adapters: an engine that may not mix the two in a batch changes over
    once. Suites with the longest answers come first, so that they do not end alone; one model after
    the other, so that engines which batch by adapter have full batches.
    """
    base = [model for model in models if not model.served_as]
    adapters = [model for model in models if model.served_as]
    by_length = sorted(loaded, key=lambda item: -item.suite.sampling.decoding.max_tokens)
    for part in (base, adapters):
        for item, model in product(by_length, part):
            for sample in item.samples:
                yield Task(model, item.suite, sample, repeats)


async def for_each(items: Iterator[T], width: int, work: Callable[[T], Awaitable[None]]) -> None:
    """Run `work` on every item, `width` at a time; the first failure ends the rest."""

    async def worker() -> None:
        for item in items:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(width):
                group.create_task(worker())
    except BaseExceptionGroup as failures:
        cause: BaseException = failures
        while isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]  # the others are its consequences
        raise cause from None


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
        async with open_engine(group, folder, note_to(report)) as engine:
            client = CachedClient(engine, group.identity, journal, job.seed)
            for model, item in product(group.models, loaded):
                todo = (Task(model, item.suite, s, job.repeats) for s in item.samples)
                samples = await asyncio.gather(*(read(client, task) for task in todo))
                protocol = group.protocol(model) | suite_protocol(item, job)
                answers.append(CheckpointAnswers(model.name, item, protocol, tuple(samples)))
    return answers

"""All turns of all checkpoints on a suite, read back from the journal."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from eval_suites.requests import Answer
from harness.evaluate.client.job import EvalJob
from harness.evaluate.client.loading import LoadedSuite
from harness.evaluate.client.reading import Reader, readers
from harness.evaluate.client.task import Task, ask_turns
from harness.progress.events import Reporter
from harness.storage.journal.entries import Journal
from harness.storage.run_folder import RunFolder


@dataclass(frozen=True, slots=True)
class AnsweredSample:
    """One sample's answers (one a turn), and its turns as a sample log has them."""

    answers: tuple[Answer, ...]
    turns: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class CheckpointAnswers:
    """The answers of one checkpoint to one suite; `samples` is by sample id and repeat."""

    model: str
    item: LoadedSuite
    protocol: Mapping[str, str]
    samples: Mapping[tuple[str, int], AnsweredSample]


async def read_answers(
    job: EvalJob, loaded: Sequence[LoadedSuite], journal: Journal, report: Reporter
) -> list[CheckpointAnswers]:
    """Return every checkpoint's answers to some suites.

    An engine starts only for answers that the journal has lost.

    Raises:
        UserError, EngineDied: as for an evaluation, should an answer be missing.
    """
    folder = RunFolder(job.run).pairwise
    return [
        CheckpointAnswers(
            reader.model.name, reader.item, reader.protocol, await _samples(reader, job.repeats)
        )
        async for reader in readers(job, loaded, journal, folder, report)
    ]


async def _samples(reader: Reader, repeats: int) -> dict[tuple[str, int], AnsweredSample]:
    places = list(product(reader.item.samples, range(repeats)))
    answered = await asyncio.gather(*(_sample(reader, sample, k) for sample, k in places))
    return {(sample.id, k): row for (sample, k), row in zip(places, answered, strict=True)}


async def _sample(reader: Reader, sample: Any, repeat: int) -> AnsweredSample:
    turns: list[dict[str, Any]] = []
    task = Task(reader.model, reader.item.suite, sample, repeat + 1)
    answers = await ask_turns(reader.client, task, repeat, turns)
    return AnsweredSample(answers, tuple(turns))

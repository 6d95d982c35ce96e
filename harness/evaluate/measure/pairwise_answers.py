"""All turns of all checkpoints on a suite, read back from the journal."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from eval_suites.requests import Answer
from harness.evaluate.client.cached_client import CachedClient, Model
from harness.evaluate.client.job import EvalJob
from harness.evaluate.client.loading import Loaded
from harness.evaluate.client.reading import read
from harness.evaluate.client.sample_log import turn
from harness.progress.events import Reporter
from harness.storage.journal.entries import Journal
from harness.storage.run_folder import RunFolder


@dataclass(frozen=True, slots=True)
class Answered:
    """One sample's answers (one a turn), and its turns as a sample log has them."""

    answers: tuple[Answer, ...]
    turns: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One checkpoint on one suite: `found` is by sample id and repeat."""

    model: str
    item: Loaded
    protocol: Mapping[str, str]
    found: Mapping[tuple[str, int], Answered]


async def answered(
    job: EvalJob, loaded: Sequence[Loaded], journal: Journal, report: Reporter
) -> list[Column]:
    """Every checkpoint's answers to some suites; an engine starts only for what is missing.

    Raises:
        UserError, EngineDied: as for an evaluation, should an answer be missing.
    """
    columns = []
    async for one in read(job, loaded, journal, RunFolder(job.run).pairwise, report):
        found = await _column(one.client, one.model, one.item, job.repeats)
        columns.append(Column(one.model.name, one.item, one.protocol, found))
    return columns


async def _column(
    client: CachedClient, model: Model, item: Loaded, repeats: int
) -> dict[tuple[str, int], Answered]:
    places = list(product(item.samples, range(repeats)))
    found = await asyncio.gather(*(_answers(client, model, item, s, k) for s, k in places))
    return {(s.id, k): one for (s, k), one in zip(places, found, strict=True)}


async def _answers(
    client: CachedClient, model: Model, item: Loaded, sample: Any, repeat: int
) -> Answered:
    answers: tuple[Answer, ...] = ()
    turns = []
    while requests := item.suite.ask(sample, answers):
        asked = (client.ask(model, request, repeat) for request in requests)
        new = tuple(await asyncio.gather(*asked))
        turns.append(turn(requests, new))
        answers += new
    return Answered(answers, tuple(turns))

"""An evaluation's answers read again, for measurements that need more than one answer at once."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from harness.evaluate.client.cached_client import CachedClient, Model
from harness.evaluate.client.engine_groups import group_by_engine
from harness.evaluate.client.job import EvalJob
from harness.evaluate.client.loading import LoadedSuite, suite_protocol
from harness.evaluate.client.merging import engine_factory
from harness.evaluate.client.restarting import Restarting
from harness.progress.events import Reporter
from harness.storage.journal.entries import Journal


@dataclass(frozen=True, slots=True)
class Reader:
    """A client that reads one checkpoint's answers to one suite from the journal."""

    client: CachedClient
    model: Model
    item: LoadedSuite
    protocol: Mapping[str, str]


async def readers(
    job: EvalJob, loaded: Sequence[LoadedSuite], journal: Journal, folder: Path, report: Reporter
) -> AsyncIterator[Reader]:
    """Yield a reader of every checkpoint on every suite.

    An engine starts only for answers that the journal has lost.

    Args:
        job: the evaluation.
        loaded: some of its suites.
        journal: of the evaluation.
        folder: of the stage that reads.
        report: receives notes.

    Raises:
        UserError, EngineDied: as for an evaluation, should an answer be missing.
    """

    def note(text: str) -> None:
        report({"event": "note", "text": text})

    for group in group_by_engine(job.models, job.fingerprints, job.engine):
        with engine_factory(group, folder, note) as make:
            async with Restarting(make) as engine:
                client = CachedClient(engine, group.identity, journal, job.seed)
                for model, item in product(group.models, loaded):
                    protocol = group.protocol(model) | suite_protocol(item, job)
                    yield Reader(client, model, item, protocol)

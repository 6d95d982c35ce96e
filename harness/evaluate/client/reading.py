"""An evaluation's answers read again: for measurements that need more than one answer at once."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from harness.evaluate.client.cached_client import CachedClient, Model
from harness.evaluate.client.engine_groups import groups
from harness.evaluate.client.job import EvalJob
from harness.evaluate.client.loading import Loaded, suite_protocol
from harness.evaluate.client.merging import startable
from harness.evaluate.client.restarting import Restarting
from harness.progress.events import Reporter
from harness.storage.journal.entries import Journal


@dataclass(frozen=True, slots=True)
class Read:
    """One checkpoint on one suite: who asks (the journal has the answers), and its protocol."""

    client: CachedClient
    model: Model
    item: Loaded
    protocol: Mapping[str, str]


async def read(
    job: EvalJob, loaded: Sequence[Loaded], journal: Journal, folder: Path, report: Reporter
) -> AsyncIterator[Read]:
    """Every checkpoint on every suite; an engine starts only for what the journal lost.

    Args:
        job: the evaluation.
        loaded: some of its suites.
        journal: of the evaluation.
        folder: of the stage that reads.
        report: hears what should be known.

    Raises:
        UserError, EngineDied: as for an evaluation, should an answer be missing.
    """

    def tell(text: str) -> None:
        report({"event": "note", "text": text})

    for group in groups(job.models, job.fingerprints, job.engine):
        with startable(group, folder, tell) as make:
            async with Restarting(make) as engine:
                client = CachedClient(engine, group.identity, journal, job.seed)
                for model, item in product(group.models, loaded):
                    protocol = group.protocol(model) | suite_protocol(item, job)
                    yield Read(client, model, item, protocol)

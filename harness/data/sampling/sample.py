"""The sampling stage: draw K responses a prompt, then score them, then write rows.

Every answer is in the journal before it is scored, so a killed stage repeats nothing. Drawing and
scoring are phases of their own: the engine is gone before a reward model is loaded. Rows stand in
the order of prompts, whoever answered first.
"""

import asyncio
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any

import yaml

from eval_suites.registry import find
from harness.data.sampling.job import PROVENANCE, ROWS, SampleJob
from harness.data.sampling.prompts import Prompt, is_suite, prompts_of
from harness.data.sampling.rows import Counts, row_of
from harness.data.sampling.scorers import scorer_of
from harness.engines.base import RequestFailed
from harness.errors import EngineUnavailable, UserError
from harness.evaluate.client.answers import answer_of, plain
from harness.evaluate.client.cached_client import CachedClient, Tally
from harness.evaluate.client.engine_groups import EngineGroup, group_by_engine
from harness.evaluate.client.restarting import open_engine
from harness.evaluate.client.tasks import for_each
from harness.evaluate.suites.library import SuiteLibrary
from harness.progress.events import PhaseProgress, Reporter, note_to
from harness.storage.atomic_files import replacing, write_text
from harness.storage.hashing import canonical, file_digest
from harness.storage.journal.entries import Journal

#: Prompts whose responses are scored at once.
_SCORED_AT_ONCE = 16


@dataclass(slots=True)
class InOrder:
    """Writes lines in the order of their places, whatever order they come in.

    It holds only those that came before their turn.
    """

    file: IO[str]
    waiting: dict[int, str | None] = field(default_factory=dict)
    turn: int = 0

    def put(self, place: int, line: str | None) -> None:
        """Take the line of a place, counted from 0; None: this place has none."""
        self.waiting[place] = line
        while self.turn in self.waiting:
            ready = self.waiting.pop(self.turn)
            self.turn += 1
            if ready is not None:
                self.file.write(ready + "\n")


def run(job: SampleJob, report: Reporter) -> Counts:
    """Sample, score and write; return the counts.

    Raises:
        UserError: prompts, engine or scorer cannot be used, or nothing is left to train on.
        EngineDied: the engine died too often; answers so far are in the journal.
    """
    return asyncio.run(_sample(job, report))


async def _sample(job: SampleJob, report: Reporter) -> Counts:
    prompts = prompts_of(job.section, SuiteLibrary(job.data_dir))
    (group,) = group_by_engine({"model": job.model}, {"model": job.fingerprint}, job.engine)
    _check(prompts, group, job.section.prompts, report)
    with (
        Journal(job.journal) as journal,
        tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n", dir=job.out) as drawn,
    ):
        tally = await _draw(job, group, prompts, journal, drawn, report)
        drawn.seek(0)
        counts = await _score(job, prompts, journal, drawn, report)
    if not counts.rows:
        reasons = ", ".join(f"{number} {why}" for why, number in sorted(counts.left_out.items()))
        raise UserError(
            f"{job.section.prompts}: nothing is left to train on ({counts.responses} responses, "
            f"left out: {reasons}); take more prompts or a larger k, or drop less"
        )
    _write_origin(job, group, counts)
    counters = {name: value for name, value in asdict(tally).items() if name != "served"}
    report({"event": "sampled", **counters, **counts.plain()})
    return counts


def _check(prompts: Sequence[Prompt], group: EngineGroup, source: str, report: Reporter) -> None:
    """Refuse prompts that the engine cannot continue, and warn of test problems."""
    if "prefix" not in group.capabilities and any(prompt.request.prefix for prompt in prompts):
        raise EngineUnavailable(
            f"the prompts open the answer, and engine {group.spec.settings.name} cannot go on from "
            "there: choose another with --engine"
        )
    if is_suite(source) and not find(source).sampling.training:
        warning = "these are test problems; what is trained on them must not be scored there"
        note_to(report)(f"{source}: {warning}")


async def _draw(
    job: SampleJob,
    group: EngineGroup,
    prompts: Sequence[Prompt],
    journal: Journal,
    file: IO[str],
    report: Reporter,
) -> Tally:
    """Ask for all responses; a line a prompt goes to the file, in the prompts' order."""
    lines, repeats = InOrder(file), range(job.section.k)
    progress = PhaseProgress(report, "sample", len(prompts))

    note = note_to(report)
    on_start = partial(note, f"starting {job.engine.name}")
    async with open_engine(group, job.out, note, on_start=on_start) as engine:
        client = CachedClient(engine, group.identity, journal, job.section.seed)

        async def ask(item: tuple[int, Prompt]) -> None:
            place, prompt = item
            try:
                answers = await client.ask_all(group.models[0], prompt.request, repeats)
            except RequestFailed:  # this prompt alone: counted, never rewarded
                answers = ()
            lines.put(place, json.dumps([plain(answer) for answer in answers]))
            progress.step()

        await for_each(enumerate(prompts), max(1, job.engine.in_flight // job.section.k), ask)
    return client.tally


async def _score(
    job: SampleJob, prompts: Sequence[Prompt], journal: Journal, drawn: IO[str], report: Reporter
) -> Counts:
    """Score what was drawn, and write the rows."""
    counts = Counts()
    progress = PhaseProgress(report, "score", len(prompts))
    async with scorer_of(job, journal, note_to(report)) as score:
        with replacing(job.out / ROWS) as file:
            rows = InOrder(file)

            async def grade(item: tuple[int, tuple[Prompt, str]]) -> None:
                place, (prompt, line) = item
                answers = tuple(map(answer_of, json.loads(line)))
                graded = await score(prompt, answers) if answers else ()
                row = row_of(prompt, answers, graded, job.section, counts)
                rows.put(place, None if row is None else canonical(row))
                progress.step()

            pairs = enumerate(zip(prompts, drawn, strict=True))
            await for_each(pairs, _SCORED_AT_ONCE, grade)
    return counts


def _write_origin(job: SampleJob, group: EngineGroup, counts: Counts) -> None:
    """Write beside the rows where they come from; the same sampling gives the same bytes."""
    origin: dict[str, Any] = {
        "checkpoint": {"name": job.section.checkpoint, "fingerprint": job.fingerprint},
        "prompts": {"source": Path(job.section.prompts).name, "identity": job.prompts},
        "decoding": job.section.model_dump(
            include={"k", "limit", "temperature", "top_p", "max_tokens", "seed"}
        ),
        "dropped": job.section.model_dump(include={"drop_ties", "drop_cut"}),
        "engine": {**group.identity, "template": group.templates[group.models[0].name]},
        "scorer": job.scorer,
        "counts": counts.plain(),
        "sha256": file_digest(job.out / ROWS),
    }
    write_text(job.out / PROVENANCE, yaml.safe_dump(origin, sort_keys=False, allow_unicode=True))

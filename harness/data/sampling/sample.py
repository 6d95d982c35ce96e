"""The sampling stage: draw K responses a prompt, then score them, then write rows.

Every answer is in the journal before it is scored, so a killed stage repeats nothing. Drawing and
scoring are phases of their own: the engine is gone before a reward model is loaded. Rows stand in
the order of prompts, whoever answered first.
"""

import asyncio
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import yaml

from eval_suites.registry import find
from eval_suites.requests import Answer
from harness.data.sampling.job import PROVENANCE, ROWS, SampleJob
from harness.data.sampling.prompts import Prompt, is_suite, prompts_of
from harness.data.sampling.rows import Counts, Graded, row_of
from harness.data.sampling.scorers import scorer_of
from harness.engines.base import RequestFailed
from harness.errors import EngineUnavailable, UserError
from harness.evaluate.client.answers import answer_of, plain
from harness.evaluate.client.cached_client import CachedClient, Tally
from harness.evaluate.client.engine_groups import EngineGroup, group_by_engine
from harness.evaluate.client.merging import engine_factory
from harness.evaluate.client.queue import for_each
from harness.evaluate.client.restarting import Restarting
from harness.progress.events import Reporter
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
    prompts = prompts_of(job.section, job.data_dir)
    (group,) = group_by_engine({"model": job.model}, {"model": job.fingerprint}, job.engine)
    _refuse_unfit(prompts, group)
    _warn_of_test_prompts(job.section.prompts, report)
    with (
        Journal(job.journal) as journal,
        tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n", dir=job.out) as drawn,
    ):
        tally = await _draw(job, group, prompts, journal, drawn, report)
        drawn.seek(0)
        counts = await _score(job, prompts, journal, drawn, report)
    if not counts.rows:
        raise UserError(_nothing(job, counts))
    _tell_origin(job, group, counts)
    counters = {name: value for name, value in asdict(tally).items() if name != "served"}
    report({"event": "sampled", **counters, **counts.plain()})
    return counts


def _refuse_unfit(prompts: Sequence[Prompt], group: EngineGroup) -> None:
    opened = any(prompt.request.prefix for prompt in prompts)
    if opened and "prefix" not in group.capabilities:
        raise EngineUnavailable(
            f"the prompts open the answer, and engine {group.spec.settings.name} cannot go on from "
            "there: choose another with --engine"
        )


def _warn_of_test_prompts(name: str, report: Reporter) -> None:
    if is_suite(name) and not find(name).sampling.training:
        text = f"{name}: these are test problems; what is trained on them must not be scored there"
        report({"event": "note", "text": text})


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
    progress = _Progress(report, "sample", len(prompts))

    def note(text: str) -> None:
        report({"event": "note", "text": text})

    with engine_factory(group, job.out, note) as make:
        async with Restarting(make, on_start=lambda: note(f"starting {job.engine.name}")) as engine:
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
    job: SampleJob,
    prompts: Sequence[Prompt],
    journal: Journal,
    drawn: IO[str],
    report: Reporter,
) -> Counts:
    """Score what was drawn, and write the rows."""
    counts = Counts()
    progress = _Progress(report, "score", len(prompts))

    def note(what: str) -> None:
        report({"event": "note", "text": f"starting {what}"})

    async with scorer_of(job, journal, note) as scorer:
        with replacing(job.out / ROWS) as file:
            rows = InOrder(file)

            async def grade(item: tuple[int, Prompt, tuple[Answer, ...]]) -> None:
                place, prompt, answers = item
                graded: tuple[Graded, ...] = ()
                if answers:
                    graded = await scorer.score(prompt, answers)
                row = row_of(prompt, answers, graded, job.section, counts)
                rows.put(place, None if row is None else canonical(row))
                progress.step()

            await for_each(_drawn(prompts, drawn), _SCORED_AT_ONCE, grade)
    return counts


def _drawn(
    prompts: Sequence[Prompt], lines: IO[str]
) -> Iterator[tuple[int, Prompt, tuple[Answer, ...]]]:
    for place, (prompt, line) in enumerate(zip(prompts, lines, strict=True)):
        yield place, prompt, tuple(map(answer_of, json.loads(line)))


@dataclass(slots=True)
class _Progress:
    """Tells how many prompts of a phase are done."""

    report: Reporter
    phase: str
    total: int
    done: int = 0

    def step(self) -> None:
        self.done += 1
        self.report(
            {"event": "progress", "phase": self.phase, "done": self.done, "total": self.total}
        )


def _nothing(job: SampleJob, counts: Counts) -> str:
    why = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.left_out.items()))
    return (
        f"{job.section.prompts}: nothing is left to train on ({counts.responses} responses, left "
        f"out: {why}); take more prompts or a larger k, or drop less"
    )


def _tell_origin(job: SampleJob, group: EngineGroup, counts: Counts) -> None:
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

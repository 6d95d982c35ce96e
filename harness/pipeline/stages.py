"""The stages of a run: what one process does, where, and the key that tells whether it is done."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from harness.data.sampling.job import ROWS, SampleJob
from harness.evaluate.client.job import EvalJob
from harness.evaluate.measure.jobs import KlJob, PairwiseJob
from harness.evaluate.suites.kl import any_kl
from harness.evaluate.suites.library import SuiteLibrary
from harness.evaluate.suites.pairwise import any_pairwise
from harness.pipeline.finish import Finished
from harness.pipeline.jobs import sample_job, train_job
from harness.pipeline.keys import (
    evaluation_key,
    hashed_config,
    old_evaluation_key,
    tracking_key,
)
from harness.pipeline.launch import ONE, Processes
from harness.pipeline.places import Places
from harness.pipeline.plan import Plan
from harness.recipe.dependencies import BASE, Step
from harness.recipe.schema import EvaluateSection
from harness.storage.atomic_files import write_json
from harness.storage.hashing import digest, file_digest
from harness.storage.run_folder import RunFolder, is_done
from harness.tracking.opening import holds_run
from train.config import TrainJob

_DIGITS = 16  # of a digest that people compare


@dataclass(frozen=True, slots=True)
class Stage:
    """The work of one process.

    Attributes:
        kind: a key of `harness.pipeline.worker.KINDS`.
        title: shown on the screen.
        folder: the stage's own.
        key: a hash of everything that the outcome depends on; no path is in it.
        job: what the process is handed.
        processes: how many share the work.
        old_key: as versions wrote it that hashed paths, too; "" where it is the same.
        lost: whether the outcome is known to be gone, whatever the key says.
    """

    kind: str
    title: str
    folder: Path
    key: str
    job: BaseModel | Mapping[str, Any]
    processes: Processes = ONE
    old_key: str = ""
    lost: bool = False

    @property
    def done(self) -> bool:
        """True where the stage was finished with these very inputs."""
        keys = [key for key in (self.key, self.old_key) if key]
        return not self.lost and any(is_done(self.folder, key) for key in keys)

    def adopt(self) -> None:
        """Replace an old key by the one without paths; the stage must be done."""
        if not is_done(self.folder, self.key):
            with contextlib.suppress(OSError):  # the folder may be read-only
                write_json(self.folder / "done.json", {"key": self.key})

    @property
    def plain_job(self) -> Mapping[str, Any]:
        """The job as JSON-able values."""
        if isinstance(self.job, BaseModel):
            return self.job.model_dump(mode="json", by_alias=True)
        return self.job


def stage_of(plan: Plan, step: Step, suites: SuiteLibrary) -> Stage:
    """Return the stage of a step, keyed by what is there now of all that it needs."""
    if step.kind == "train":
        return _train_stage(plan, step.name)
    return sample_stage(sample_job(plan, step.name, suites), f"sample {step.name}")


def sample_stage(job: SampleJob, title: str) -> Stage:
    """Return the stage that samples."""
    return Stage("sample", title, job.out, job.key, job, old_key=job.old_key)


def _train_stage(plan: Plan, name: str) -> Stage:
    job = train_job(plan, name)
    start = plan.fingerprint_of(plan.recipe.starts.get(name, BASE))
    key = digest({"base": start, "config": _hashed_config(plan, job)})
    section = plan.recipe.launch
    processes = Processes(section.processes, section.config) if section else ONE
    return Stage("train", f"train {name}", job.out, key, job, processes)


def data_of(plan: Plan, name: str) -> dict[str, str]:
    """Return digests of what a checkpoint is trained on (`data`) and probed with (`probe`)."""
    config = _hashed_config(plan, train_job(plan, name))
    return {key: str(config[key])[:_DIGITS] for key in ("data", "probe") if config[key] is not None}


def _hashed_config(plan: Plan, job: TrainJob) -> dict[str, Any]:
    """Return the settings of a training; a file that is still to be sampled has no hash."""
    files = [plan.folder.sample(name) / ROWS for name in plan.recipe.sample]
    drawn = {str(file): file_digest(file) if file.is_file() else "" for file in files}
    return hashed_config(job.config, {**plan.data, **drawn})


def evaluation_stages(
    job: EvalJob,
    suites: SuiteLibrary,
    baseline: str,
    reference: tuple[Path, str] | None,
    section: EvaluateSection,
    places: Places,
) -> Iterator[Stage]:
    """Yield the evaluation, then the stages that measure what needs more than one model.

    `reference` is folder and fingerprint of the model that suites of `kl:` measure against.
    """
    folder = RunFolder(job.run)
    keys = evaluation_key(job, suites), old_evaluation_key(job, suites)
    yield Stage("evaluate", "evaluate", folder.evaluation, keys[0], job, old_key=keys[1])
    if any_kl(job.suites) and reference is not None:
        model, fingerprint = reference
        kl = KlJob(
            evaluation=job,
            reference=model,
            reference_fingerprint=fingerprint,
            cache=places.cache,
        )
        key, old_key = (digest([key, fingerprint]) for key in keys)
        yield Stage("kl", "measure KL", folder.kl, key, kl, old_key=old_key)
    if any_pairwise(job.suites):
        everyone = section.all_pairs
        pairs = PairwiseJob(evaluation=job, baseline=baseline, everyone=everyone)
        key, old_key = (digest([key, baseline, everyone]) for key in keys)
        title = "compare head to head"
        yield Stage("duel", title, folder.pairwise, key, pairs, old_key=old_key)


def track_stage(finished: Finished, places: Places) -> Stage:
    """Return the stage that copies a run folder, with its compared scores, to the store."""
    folder, result, comparison = finished.folder, finished.result, finished.comparison
    job = {"run": str(folder.path), "uri": places.tracking_uri, "experiment": result.recipe}
    cells = () if comparison is None else comparison.cells.values()
    return Stage(
        "track",
        "log to MLflow",
        folder.tracking,
        tracking_key(result, folder.path.name, places),
        {**job, "cells": [asdict(cell) for cell in cells]},
        old_key=digest({"result": result.model_dump(mode="json"), **job}),
        lost=not holds_run(places.tracking_uri, folder.path.name),
    )

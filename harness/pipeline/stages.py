"""The stages of a run: what one process does, where, and the key that says whether it is done."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.data.sampling.job import ROWS, SampleJob
from harness.evaluate.client.job import EvalJob
from harness.evaluate.suites.kl import any_kl
from harness.evaluate.suites.pairwise import any_duels
from harness.evaluate.suites.registry import find
from harness.pipeline.fingerprints import print_of
from harness.pipeline.jobs import duel_job, eval_job, kl_job, sample_job, train_job
from harness.pipeline.launch import ONE, Processes
from harness.pipeline.plan import Places, Plan, essence, judge_of
from harness.recipe.dependencies import Step
from harness.recipe.schema import BASE, EvaluateSection
from harness.stats.cells import Cell
from harness.storage.hashing import digest, file_digest
from harness.storage.result import Result
from harness.storage.run_folder import RunFolder
from train.config import TrainJob

_DIGITS = 16  # of a digest that people compare


@dataclass(frozen=True, slots=True)
class Stage:
    """What one process will do: `key` is a hash of everything that its outcome depends on."""

    kind: str
    title: str
    folder: Path
    key: str
    job: Mapping[str, Any]
    processes: Processes = ONE


def stage_of(plan: Plan, step: Step) -> Stage:
    """The stage of a step, keyed by what is there now of all that it needs."""
    if step.kind == "train":
        return _train_stage(plan, step.name)
    return sample_stage(sample_job(plan, step.name), f"sample {step.name}")


def sample_stage(job: SampleJob, title: str) -> Stage:
    """The stage that samples."""
    return Stage("sample", title, job.out, job.key, job.model_dump(mode="json"))


def _train_stage(plan: Plan, name: str) -> Stage:
    job = train_job(plan, name)
    start = print_of(plan, plan.recipe.starts.get(name, BASE))
    key = digest({"base": start, "config": _essence(plan, job)})
    chosen = plan.recipe.launch
    processes = Processes(chosen.processes, chosen.config) if chosen else ONE
    return Stage("train", f"train {name}", job.out, key, job.model_dump(mode="json"), processes)


def data_of(plan: Plan, name: str) -> dict[str, str]:
    """Digests of what a checkpoint is trained on (`data`) and probed with (`probe`)."""
    known = _essence(plan, train_job(plan, name))
    return {key: str(known[key])[:_DIGITS] for key in ("data", "probe") if known[key] is not None}


def _essence(plan: Plan, job: TrainJob) -> dict[str, Any]:
    return essence(job.config, {**plan.data, **_drawn(plan)})


def _drawn(plan: Plan) -> dict[str, str]:
    """File -> hash of all that was sampled; "" where it is still to be."""
    files = [plan.folder.sample(name) / ROWS for name in plan.recipe.sample]
    return {str(file): file_digest(file) if file.is_file() else "" for file in files}


def track_stage(
    folder: RunFolder, experiment: str, places: Places, result: Result, cells: Iterable[Cell]
) -> Stage:
    """Return the stage that copies a run folder, with its compared scores, to the store."""
    job = {"run": str(folder.path), "uri": places.tracking_uri, "experiment": experiment}
    key = digest({"result": result.model_dump(mode="json"), **job})
    scores = [asdict(cell) for cell in cells]
    return Stage("track", "log to MLflow", folder.tracking, key, {**job, "cells": scores})


def evaluate_stage(
    folder: RunFolder,
    section: EvaluateSection,
    places: Places,
    models: Mapping[str, str],
    prints: Mapping[str, str],
    *,
    audited: bool = False,
) -> Stage:
    """The evaluation stage of a run folder; it audits itself first unless that was done."""
    job = eval_job(folder.path, section, places, models, prints, judge_of(section, places))
    job = job.model_copy(update={"audited": audited})
    elsewhere = {"models": True, "run": True, "journal": True, "audited": True}
    money = {"judge": {"price": True, "max_cost": True}}
    known = job.model_dump(mode="json", exclude={**elsewhere, **money})
    found = (find(name, section.lm_eval_tasks) for name in section.suites)
    known["versions"] = {suite.name: suite.version for suite in found}
    return Stage(
        "evaluate", "evaluate", folder.evaluation, digest(known), job.model_dump(mode="json")
    )


def measuring(
    evaluation: Stage,
    section: EvaluateSection,
    baseline: str,
    reference: tuple[Path, str] | None,
    places: Places,
) -> Iterator[Stage]:
    """Stages that measure what needs more than an answer, once all answers are there."""
    if any_kl(section.suites) and reference is not None:
        yield kl_stage(evaluation, reference, places)
    if any_duels(section.suites):
        yield duel_stage(evaluation, baseline, everyone=section.all_pairs)


def duel_stage(evaluation: Stage, baseline: str, *, everyone: bool) -> Stage:
    """The stage that settles the suites of `head_to_head:`."""
    job = duel_job(EvalJob.model_validate(evaluation.job), baseline, everyone=everyone)
    key = digest([evaluation.key, baseline, everyone])
    folder = RunFolder(job.evaluation.run).duels
    return Stage("duel", "compare head to head", folder, key, job.model_dump(mode="json"))


def kl_stage(evaluation: Stage, reference: tuple[Path, str], places: Places) -> Stage:
    """The stage that measures the suites of `kl:` once their answers are there."""
    job = kl_job(EvalJob.model_validate(evaluation.job), reference, places)
    folder = RunFolder(job.evaluation.run).kl
    key = digest([evaluation.key, job.reference_print])
    return Stage("kl", "measure KL", folder, key, job.model_dump(mode="json"))

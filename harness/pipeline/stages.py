"""The jobs and stages of a run: what one process does, where, and the key that says it is done."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.data.sampling.job import ROWS, SampleJob
from harness.data.sampling.resolve import benchmark_files
from harness.evaluate.client.job import EvalJob, KlJob, PairwiseJob
from harness.evaluate.suites.library import SuiteLibrary
from harness.evaluate.suites.measured import KL, PAIRWISE, any_measured
from harness.pipeline.finish import Finished
from harness.pipeline.keys import evaluation_key, hashed_config, old_evaluation_key, tracking_key
from harness.pipeline.launch import Stage
from harness.pipeline.lookup import resolve_judge
from harness.pipeline.places import Places
from harness.pipeline.plan import Plan
from harness.recipe.dependencies import Step
from harness.recipe.schema import BASE, EvaluateSection, limit_for, sample_named
from harness.storage.hashing import digest, file_digest
from harness.storage.run_folder import RunFolder
from harness.tracking.opening import holds_run
from train.config import TrainJob

_DIGITS = 16  # of a digest that people compare


def train_job(plan: Plan, name: str) -> TrainJob:
    """Return the training of one checkpoint of a plan."""
    base, adapter = plan.starting_point(name)
    config = plan.recipe.checkpoints[name]
    drawn = {
        key: str(plan.folder.sample(sample) / ROWS)
        for key in ("data", "probe")
        if (sample := sample_named(getattr(config, key))) is not None
    }
    return TrainJob(
        base=base,
        adapter=adapter,
        out=plan.folder.train(name),
        cache=plan.places.cache,
        config=config.model_copy(update=drawn),
    )


def sample_job(plan: Plan, name: str, suites: SuiteLibrary) -> SampleJob:
    """Return one sampling of a plan; the weights that it samples from may not be there yet."""
    section, evaluate = plan.recipe.sample[name], plan.recipe.evaluate
    prompts, scorer = plan.identities[name]
    return SampleJob(
        section=section,
        model=str(plan.checkpoint(section.checkpoint)),
        fingerprint=plan.fingerprint_of(section.checkpoint),
        prompts=prompts,
        scorer=scorer,
        engine=evaluate.engine,
        unsafe=evaluate.unsafe,
        data_dir=plan.places.data_dir,
        files=benchmark_files(section, suites),
        out=plan.folder.sample(name),
        journal=plan.places.journal,
    )


def eval_job(
    run: Path,
    section: EvaluateSection,
    places: Places,
    models: Mapping[str, str],
    fingerprints: Mapping[str, str],
) -> EvalJob:
    """Return the evaluation of checkpoints: their folders (or served names) and fingerprints."""
    judge, judge_fingerprint = resolve_judge(section, places)
    return EvalJob(
        models=dict(models),
        fingerprints=dict(fingerprints),
        suites={suite: limit_for(section, suite) for suite in section.suites},
        repeats=section.repeats,
        decoding=section.decoding,
        seed=section.seed,
        engine=section.engine,
        judge=judge,
        judge_fingerprint=judge_fingerprint,
        unsafe=section.unsafe,
        data_dir=places.data_dir,
        lm_eval_tasks=section.lm_eval_tasks,
        run=run,
        journal=places.journal,
    )


def stage_of(plan: Plan, step: Step, suites: SuiteLibrary) -> Stage:
    """Return the stage of a step, keyed by what is there now of all that it needs."""
    title = f"{step.kind} {step.name}"
    if step.kind == "sample":
        return sample_stage(sample_job(plan, step.name, suites), title)
    job = train_job(plan, step.name)
    start = plan.fingerprint_of(plan.recipe.starts.get(step.name, BASE))
    key = digest({"base": start, "config": _hashed_config(plan, job)})
    return Stage("train", title, job.out, key, job, plan.recipe.launch)


def sample_stage(job: SampleJob, title: str) -> Stage:
    """Return the stage that samples."""
    return Stage("sample", title, job.out, job.key, job, old_key=job.old_key)


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
    if any_measured(KL, job.suites) and reference is not None:
        model, fingerprint = reference
        kl = KlJob(
            evaluation=job, reference=model, reference_fingerprint=fingerprint, cache=places.cache
        )
        key, old_key = (digest([key, fingerprint]) for key in keys)
        yield Stage("kl", "measure KL", folder.kl, key, kl, old_key=old_key)
    if any_measured(PAIRWISE, job.suites):
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

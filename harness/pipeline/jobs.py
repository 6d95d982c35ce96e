"""The jobs handed to stages, made of a plan or of the options of a command."""

from collections.abc import Mapping
from pathlib import Path

from harness.data.sampling.job import ROWS, SampleJob
from harness.data.sampling.resolve import benchmark_files
from harness.evaluate.client.job import EvalJob
from harness.evaluate.suites.library import SuiteLibrary
from harness.pipeline.lookup import resolve_judge
from harness.pipeline.places import Places
from harness.pipeline.plan import Plan
from harness.recipe.sampling import sample_named
from harness.recipe.schema import EvaluateSection, limit_for
from train.config import TrainJob


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

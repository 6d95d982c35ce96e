"""What stages are told: jobs made of a plan, and read back from a checkpoint's folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from harness.data.sampling.job import ROWS, SampleJob
from harness.engines.options import EngineChoice
from harness.errors import RecipeError
from harness.evaluate.client.job import EvalJob
from harness.evaluate.measure.kl_job import KlJob
from harness.evaluate.measure.pairwise_job import DuelJob
from harness.pipeline.fingerprints import checkpoint_folder, print_of, stands_on
from harness.pipeline.plan import Places, Plan, existing
from harness.recipe.sampling import sample_named
from harness.recipe.schema import EvaluateSection, JudgeChoice, limit_for
from harness.storage.atomic_files import read_json
from train.config import TrainJob


def train_job(plan: Plan, name: str) -> TrainJob:
    """The training of one checkpoint of a plan."""
    base, adapter = stands_on(plan, name)
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
        cache=plan.places.runs.resolve() / "cache",
        config=config.model_copy(update=drawn),
    )


def sample_job(plan: Plan, name: str) -> SampleJob:
    """One sampling of a plan; the weights that it samples from may not be there yet."""
    section, evaluate = plan.recipe.sample[name], plan.recipe.evaluate
    prompts, scorer = plan.identities[name]
    return SampleJob(
        section=section,
        model=checkpoint_folder(plan, section.checkpoint),
        fingerprint=print_of(plan, section.checkpoint),
        prompts=prompts,
        scorer=scorer,
        engine=evaluate.engine,
        unsafe=evaluate.unsafe,
        data_dir=plan.places.data_dir,
        out=plan.folder.sample(name),
        journal=plan.places.runs.resolve() / "journal.sqlite",
    )


def eval_job(
    run: Path,
    section: EvaluateSection,
    places: Places,
    models: Mapping[str, str],
    prints: Mapping[str, str],
    judge: tuple[JudgeChoice | None, str] = (None, ""),
) -> EvalJob:
    """The evaluation of checkpoints, by name: their folders, and what identifies their weights.

    `judge` is what `harness.pipeline.plan.judge_of` gives.
    """
    return EvalJob(
        models=dict(models),
        fingerprints=dict(prints),
        suites={suite: limit_for(section, suite) for suite in section.suites},
        repeats=section.repeats,
        decoding=section.decoding,
        seed=section.seed,
        engine=section.engine,
        judge=judge[0],
        judge_fingerprint=judge[1],
        unsafe=section.unsafe,
        data_dir=places.data_dir,
        lm_eval_tasks=section.lm_eval_tasks,
        run=run,
        journal=places.runs.resolve() / "journal.sqlite",
    )


def kl_job(evaluation: EvalJob, reference: tuple[Path, str], places: Places) -> KlJob:
    """The measurement of an evaluation's suites of `kl:`.

    `reference` is what `reference_of` gives.
    """
    return KlJob(
        evaluation=evaluation,
        reference=reference[0],
        reference_print=reference[1],
        cache=places.runs.resolve() / "cache",
    )


def duel_job(evaluation: EvalJob, baseline: str, *, everyone: bool) -> DuelJob:
    """The comparison of an evaluation's suites of `head_to_head:`."""
    return DuelJob(evaluation=evaluation, baseline=baseline, everyone=everyone)


def trained_by(checkpoint: Path) -> TrainJob | None:
    """The job that made a checkpoint, where it lies as training left it; None where nobody says."""
    told = read_json(checkpoint.parent / "resolved.json")
    if not isinstance(told, Mapping) or told.get("kind") != "train":
        return None
    try:
        job = TrainJob.model_validate(told.get("job"))
    except ValidationError:  # of another version
        return None
    return job if (job.out / "checkpoint").resolve() == checkpoint.resolve() else None


def reference_of(
    section: EvaluateSection, models: Sequence[str], places: Places
) -> tuple[Path, str]:
    """The model that suites of `kl:` measure against, and what identifies it.

    It is the one that is named, else the one that all checkpoints were trained against.

    Args:
        section: which may name it.
        models: folders of the checkpoints.
        places: where things lie.

    Raises:
        RecipeError: none is named, and the checkpoints do not say one and the same.
    """
    wanted = section.reference
    if wanted is None:
        jobs = [job for model in models if (job := trained_by(Path(model).resolve()))]
        told = {str(job.adapter or job.base) for job in jobs}
        if len(told) != 1:
            raise RecipeError(
                "suites of kl: need the model to measure against: name it with --reference "
                "(evaluate.reference in a recipe)"
            )
        (wanted,) = told
    local = EngineChoice(name="transformers")
    folders, prints = existing({"reference": wanted}, local, places)
    return Path(folders["reference"]), prints["reference"]

"""The job of an audit: an evaluation, and how its checkpoints were or will be trained."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from harness.data.sampling.job import ROWS, SampleJob
from harness.evaluate.client.engine_groups import base_of
from harness.evaluate.client.job import EvalJob
from harness.evaluate.suites.library import SuiteLibrary
from harness.pipeline.lookup import training_job
from harness.pipeline.plan import Plan
from harness.pipeline.stages import eval_job, sample_job, train_job
from harness.recipe.schema import BASE
from train.config import TrainJob


class AuditJob(BaseModel):
    """An evaluation to be checked before it is paid for.

    Attributes:
        evaluation: a checkpoint that is not trained yet has the folder of the base that it will be
            trained on.
        training: name -> how a checkpoint was or will be trained, where that is known.
        untrained: the names of those that are not trained yet.
        sampled: file of training data -> the sampling that makes it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    evaluation: EvalJob
    training: dict[str, TrainJob] = {}
    untrained: tuple[str, ...] = ()
    sampled: dict[str, SampleJob] = {}

    def home(self, name: str) -> tuple[Path, Path]:
        """Return the full checkpoint under a model, and the model's own folder."""
        folder = self.evaluation.models[name]
        return Path(base_of(folder)), Path(folder)


def of_plan(plan: Plan, library: SuiteLibrary) -> AuditJob:
    """Return the audit of a recipe, trained or not."""
    names = (BASE, *plan.recipe.checkpoints)
    untrained = tuple(name for name in names if not plan.checkpoint(name).is_dir())
    models = {n: str(plan.base if n in untrained else plan.checkpoint(n)) for n in names}
    no_fingerprints = dict.fromkeys(names, "")
    section = plan.recipe.evaluate
    jobs = [sample_job(plan, name, library) for name in plan.recipe.sample]
    return AuditJob(
        evaluation=eval_job(plan.folder.path, section, plan.places, models, no_fingerprints),
        training={name: _training(plan, name) for name in plan.recipe.checkpoints},
        untrained=untrained,
        sampled={str(job.out / ROWS): job for job in jobs},
    )


def _training(plan: Plan, name: str) -> TrainJob:
    """Return a training, on the recipe's base where its own starting point is not there yet."""
    job = train_job(plan, name)
    if (job.adapter or job.base).is_dir():
        return job
    return job.model_copy(update={"base": plan.full, "adapter": plan.adapter})


def of_evaluation(evaluation: EvalJob) -> AuditJob:
    """Return the audit of checkpoints that exist; those in a run folder name their training."""
    if evaluation.engine.remote:
        return AuditJob(evaluation=evaluation)
    jobs = {name: training_job(Path(folder)) for name, folder in evaluation.models.items()}
    training = {name: job for name, job in jobs.items() if job is not None}
    return AuditJob(evaluation=evaluation, training=training)

"""What an audit is told: an evaluation, and how its checkpoints were or will be trained."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from harness.data.sampling.job import ROWS, SampleJob
from harness.evaluate.client.engine_groups import base_of
from harness.evaluate.client.job import EvalJob
from harness.pipeline.fingerprints import checkpoint_folder
from harness.pipeline.jobs import eval_job, sample_job, train_job, trained_by
from harness.pipeline.plan import Plan, judge_of
from harness.recipe.dependencies import BASE
from train.config import TrainJob


class AuditJob(BaseModel):
    """An evaluation to be looked at before it is paid for.

    Attributes:
        evaluation: what will be evaluated; a checkpoint that is not trained yet has the folder of
            the base that it will be trained on.
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
        """The full checkpoint under a model, and the model's own folder."""
        folder = self.evaluation.models[name]
        return Path(base_of(folder)), Path(folder)


def of_plan(plan: Plan) -> AuditJob:
    """The audit of a recipe, trained or not."""
    names = (BASE, *plan.recipe.checkpoints)
    folders = {name: checkpoint_folder(plan, name) for name in names}
    untrained = tuple(name for name, folder in folders.items() if not Path(folder).is_dir())
    models = {name: plan.base if name in untrained else folders[name] for name in names}
    evaluation = eval_job(
        plan.folder.path,
        plan.recipe.evaluate,
        plan.places,
        models,
        dict.fromkeys(names, ""),
        judge_of(plan.recipe.evaluate, plan.places),
    )
    training = {name: _training(plan, name) for name in plan.recipe.checkpoints}
    jobs = [sample_job(plan, name) for name in plan.recipe.sample]
    sampled = {str(job.out / ROWS): job for job in jobs}
    return AuditJob(evaluation=evaluation, training=training, untrained=untrained, sampled=sampled)


def _training(plan: Plan, name: str) -> TrainJob:
    """How a checkpoint is trained; on the recipe's base where what it starts from is not there."""
    job = train_job(plan, name)
    if (job.adapter or job.base).is_dir():
        return job
    return job.model_copy(update={"base": Path(plan.full), "adapter": plan.adapter})


def of_evaluation(evaluation: EvalJob) -> AuditJob:
    """The audit of checkpoints that exist; those in a run folder say how they were trained."""
    if evaluation.engine.remote:
        return AuditJob(evaluation=evaluation)
    found = {name: trained_by(Path(folder)) for name, folder in evaluation.models.items()}
    training = {name: job for name, job in found.items() if job is not None}
    return AuditJob(evaluation=evaluation, training=training)

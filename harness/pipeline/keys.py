"""Keys of run folders and stages: hashes of contents and settings, never of a path.

Earlier versions hashed some paths, too. Their keys are computed beside the new ones, so that what
was finished then counts as done.
"""

from collections.abc import Mapping
from typing import Any

from harness.data.sampling.job import engine_essence
from harness.data.sampling.job import essence as sample_essence
from harness.evaluate.client.job import EvalJob
from harness.evaluate.suites.library import SuiteLibrary
from harness.pipeline.places import Places
from harness.recipe.schema import PREFIX, Recipe, sample_named
from harness.storage.hashing import digest
from harness.storage.result import Result
from train.config import TrainConfig
from train.data import sources

#: Fields of an evaluation that say where things lie, or that change no outcome.
_NO_OUTCOME = {"models": True, "run": True, "journal": True, "audited": True}
_MONEY = {"price": True, "max_cost": True}


def data_digests(recipe: Recipe, identities: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Map each source of a recipe's training data to a hash of its content.

    A sample of the recipe has a hash of all that it will be drawn from except the weights;
    `identities` has what identifies its prompts and its scorer.
    """
    named = {s for c in recipe.checkpoints.values() for s in (c.data, c.probe) if s is not None}
    digests = {s: sources.fingerprint(s) for s in sorted(named) if sample_named(s) is None}
    engine = engine_essence(recipe.evaluate.engine)
    for name, section in recipe.sample.items():
        content = [section.checkpoint, engine, sample_essence(section, *identities[name])]
        digests[f"{PREFIX}{name}"] = digest(content)
    return digests


def hashed_config(config: TrainConfig, data: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings that decide the outcome of training, data by its hash."""
    # How activations are kept changes no outcome.
    plain = config.model_dump(mode="json", exclude={"checkpoint_activations"})
    for key in ("data", "probe"):
        if plain[key] is not None:
            plain[key] = data[plain[key]]
    return plain


def run_key(recipe: Recipe, base_fingerprint: str, data: Mapping[str, str]) -> str:
    """Return the key of a run folder: what makes the checkpoints, not what is measured on them."""
    configs = {n: hashed_config(c, data) for n, c in recipe.checkpoints.items()}
    content: dict[str, Any] = {"base": base_fingerprint, "checkpoints": configs}
    return digest({**content, "starts": recipe.starts} if recipe.starts else content, 8)


def evaluation_key(job: EvalJob, suites: SuiteLibrary) -> str:
    """Return the key of an evaluation, with the benchmark files that its suites read."""
    exclude = {**_NO_OUTCOME, "data_dir": True, "lm_eval_tasks": True}
    settings = job.model_dump(mode="json", exclude={**exclude, "judge": {**_MONEY, "model": True}})
    files = {name: suites.files(name) for name in job.suites}
    return digest({**settings, "versions": _versions(job, suites), "files": files})


def old_evaluation_key(job: EvalJob, suites: SuiteLibrary) -> str:
    """Return the key of an evaluation as it was with the paths of data, tasks and judge."""
    settings = job.model_dump(mode="json", exclude={**_NO_OUTCOME, "judge": _MONEY})
    return digest({**settings, "versions": _versions(job, suites)})


def _versions(job: EvalJob, suites: SuiteLibrary) -> dict[str, str]:
    return {suite.name: suite.version for suite in map(suites.suite, job.suites)}


def tracking_key(result: Result, run: str, places: Places) -> str:
    """Return the key of a copy of a run in the store; a store among the runs moves with them."""
    store = places.tracking_uri.replace(str(places.runs.resolve()), "")
    return digest({"result": result.model_dump(mode="json"), "run": run, "store": store})

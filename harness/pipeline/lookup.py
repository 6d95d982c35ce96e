"""Names in a recipe or a command, resolved to files, folders and fingerprints on this machine."""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from harness.data.sampling import resolve as sampling
from harness.engines import checkpoints
from harness.engines.options import EngineChoice
from harness.errors import RecipeError, UserError
from harness.evaluate.judge.judge import NAME
from harness.pipeline.places import Places
from harness.recipe.schema import EvaluateSection, JudgeChoice, Recipe, sample_named
from harness.storage.atomic_files import read_json
from train.config import TrainConfig, TrainJob
from train.data import sources


def locate(recipe: Recipe, places: Places) -> Recipe:
    """Return the recipe with its files found: beside it, in the data folder, or from here.

    A name on the hub gets the commit that it stands for now, so that the run folder's key, the
    resolved recipe and every later reading mean the same data.

    Raises:
        UserError: a file or folder is in no such place.
        train.DataError: a name on the hub cannot be resolved.
    """
    pin = functools.cache(sources.pin)  # one question to the hub a name
    configs = {n: locate_data(n, c, places, pin) for n, c in recipe.checkpoints.items()}
    launch = recipe.launch
    if launch is not None and launch.config is not None:
        hint = "no such file (launch.config); ready ones are in recipes/accelerate/"
        config = _beside(launch.config, places, Path.is_file, hint)
        launch = launch.model_copy(update={"config": config})
    samples = {
        name: sampling.resolved(section, places.data_roots, places.models, places.near)
        for name, section in recipe.sample.items()
    }
    section = locate_tasks(recipe.evaluate, places)
    located = {"checkpoints": configs, "launch": launch, "evaluate": section, "sample": samples}
    return recipe.model_copy(update=located)


def locate_data(
    name: str, config: TrainConfig, places: Places, pin: Callable[[str], str] = sources.pin
) -> TrainConfig:
    """Return a checkpoint's config with its data found; samples of the recipe stay as they are.

    `pin` adds its commit to a name on the hub.

    Raises:
        UserError: a file or folder is in no such place.
        train.DataError: a name on the hub cannot be resolved.
    """

    def locate_source(key: str, source: str | None) -> str | None:
        if source is None or sample_named(source) is not None:
            return source
        if sources.is_hub_name(source):
            return pin(source)
        if path := _first(places.data_roots, source, Path.exists):
            return str(path)
        raise UserError(
            f"{source}: no such file or folder (checkpoints.{name}.{key}); looked in "
            f"{', '.join(map(str, places.data_roots))}; name the folder that has it: --data-dir"
        )

    update = {key: locate_source(key, getattr(config, key)) for key in ("data", "probe")}
    return config.model_copy(update=update)


def locate_tasks(section: EvaluateSection, places: Places) -> EvaluateSection:
    """Return the section with its folder of lm-eval tasks found: beside the recipe, or from here.

    Raises:
        UserError: there is no such folder.
    """
    if section.lm_eval_tasks is None:
        return section
    hint = "no such folder (evaluate.lm_eval_tasks)"
    tasks = _beside(section.lm_eval_tasks, places, Path.is_dir, hint)
    return section.model_copy(update={"lm_eval_tasks": tasks})


def _beside(path: Path, places: Places, is_there: Callable[[Path], bool], hint: str) -> Path:
    if place := _first((*places.near, Path()), path, is_there):
        return place
    raise UserError(f"{path}: {hint}")


def _first(
    roots: Iterable[Path], name: str | Path, is_there: Callable[[Path], bool]
) -> Path | None:
    return next(((root / name).resolve() for root in roots if is_there(root / name)), None)


def resolve_checkpoints(
    named: Mapping[str, str], engine: EngineChoice, places: Places
) -> tuple[dict[str, str], dict[str, str]]:
    """Return folders and fingerprints of checkpoints that exist (names and URLs at an endpoint)."""
    if engine.remote:
        return dict(named), {n: f"{engine.base_url} {name}".strip() for n, name in named.items()}
    folders, fingerprints = dict[str, str](), dict[str, str]()
    for name, checkpoint in named.items():
        folder, fingerprints[name] = _resolve_local(checkpoint, places)
        folders[name] = str(folder)
    return folders, fingerprints


def _resolve_local(checkpoint: str, places: Places) -> tuple[Path, str]:
    folder = checkpoints.resolve(checkpoint, places.models, places.near)
    return folder, checkpoints.fingerprint_of_folder(folder, places.models, places.memo)


def resolve_judge(section: EvaluateSection, places: Places) -> tuple[JudgeChoice | None, str]:
    """Return the judge with its model's folder (or served name), and its fingerprint."""
    if section.judge is None:
        return None, ""
    folders, fingerprints = resolve_checkpoints({NAME: section.judge.model}, section.judge, places)
    return section.judge.model_copy(update={"model": folders[NAME]}), fingerprints[NAME]


def resolve_reference(
    section: EvaluateSection, models: Sequence[str], places: Places
) -> tuple[Path, str]:
    """Return folder and fingerprint of the model that suites of `kl:` measure against.

    It is the one that the section names, else the one that all checkpoints were trained against.

    Raises:
        RecipeError: none is named, and the checkpoints were not all trained against one model.
    """
    reference = section.reference
    if reference is None:
        jobs = [job for model in models if (job := training_job(Path(model).resolve()))]
        bases = {str(job.adapter or job.base) for job in jobs}
        if len(bases) != 1:
            raise RecipeError(
                "suites of kl: need the model to measure against: name it with --reference "
                "(evaluate.reference in a recipe)"
            )
        (reference,) = bases
    return _resolve_local(reference, places)


def training_job(checkpoint: Path) -> TrainJob | None:
    """Return the job that made a checkpoint, from the `resolved.json` beside it.

    None for a checkpoint that does not lie as training left it.
    """
    resolved = read_json(checkpoint.parent / "resolved.json")
    if not isinstance(resolved, Mapping) or resolved.get("kind") != "train":
        return None
    try:
        job = TrainJob.model_validate(resolved.get("job"))
    except ValidationError:  # of another version
        return None
    return job if (job.out / "checkpoint").resolve() == checkpoint.resolve() else None

"""What a recipe means on this machine, found out before anything starts.

Names become folders, files become hashes, and the hashes become the run folder's key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import eval_suites
from harness import models
from harness.engines import EngineSpec, make
from harness.errors import UserError
from harness.judging import NAME, require_judge
from harness.recipe import (
    BASE,
    EngineChoice,
    EvaluateSection,
    JudgeChoice,
    LaunchSection,
    Recipe,
)
from harness.runs import RunFolder, digest, file_digest, write_text
from train.config import TrainConfig


@dataclass(frozen=True, slots=True)
class Places:
    """Where things lie: run folders and the journal, fetched models, benchmark files, tracking.

    `near` are folders that a relative model path may be relative to (the recipe's own);
    `tracking_uri` is an MLflow URI, empty for no tracking.
    """

    runs: Path
    models: Path
    data_dir: Path | None = None
    tracking_uri: str = ""
    near: tuple[Path, ...] = ()

    @property
    def memo(self) -> Path:
        """Hashes of weights already taken, so that many gigabytes are read once."""
        return self.runs.resolve() / "cache" / "fingerprints.json"


@dataclass(frozen=True, slots=True)
class Plan:
    """A recipe on this machine: the base's folder, data hashes, the run folder."""

    recipe: Recipe
    places: Places
    base: str
    base_print: str
    data: Mapping[str, str]
    key: str
    folder: RunFolder

    @property
    def stages(self) -> int:
        """How many stages there are."""
        optional = bool(self.recipe.evaluate.suites) + bool(self.places.tracking_uri)
        return len(self.recipe.checkpoints) + optional


def make_plan(recipe: Recipe, places: Places) -> Plan:
    """Resolve the base, hash the data and find the run folder.

    The folder's key covers what makes the checkpoints (base, configs, data), not what is measured
    on them: another limit or suite goes on in the same folder.
    """
    from train.fingerprint import fingerprint

    folder = models.resolve(recipe.base, places.models, places.near)
    base, base_print = str(folder), fingerprint(folder, places.memo)
    recipe = located(recipe, places)
    data = _data_digests(recipe.checkpoints)
    key = digest(
        {
            "base": base_print,
            "checkpoints": {n: essence(c, data) for n, c in recipe.checkpoints.items()},
        },
        8,
    )
    run_folder = RunFolder((places.runs / f"{recipe.name}-{key}").resolve())
    resolved = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    write_text(run_folder.resolved, resolved)
    return Plan(recipe, places, base, base_print, data, key, run_folder)


def checkpoint_folder(plan: Plan, name: str) -> str:
    """Where a checkpoint of the plan lies (or will lie)."""
    return plan.base if name == BASE else str(plan.folder.checkpoint(name))


def fingerprints(plan: Plan) -> dict[str, str]:
    """Name -> what identifies its weights, the base first; untrained checkpoints are absent."""
    from train.fingerprint import fingerprint

    prints = {BASE: plan.base_print}
    for name in plan.recipe.checkpoints:
        folder = plan.folder.checkpoint(name)
        if folder.is_dir():
            prints[name] = f"{fingerprint(folder, plan.places.memo)} on {plan.base_print}"
    return prints


def located(recipe: Recipe, places: Places) -> Recipe:
    """The recipe with its files found: data beside it, else in the data folder.

    Raises:
        UserError: a file is in neither place.
    """
    roots = [*places.near, *([places.data_dir] if places.data_dir else []), Path()]

    def found(name: str, key: str, file: Path | None) -> Path | None:
        if file is None:
            return None
        for root in roots:
            if (root / file).exists():
                return (root / file).resolve()
        raise UserError(
            f"{file}: no such file (checkpoints.{name}.{key}); looked in "
            f"{', '.join(str(r) for r in roots)}; name the folder that has it: --data-dir"
        )

    def launched(section: LaunchSection | None) -> LaunchSection | None:
        if section is None or section.config is None:
            return section
        for root in (*places.near, Path()):
            if (root / section.config).is_file():
                return section.model_copy(update={"config": (root / section.config).resolve()})
        raise UserError(
            f"{section.config}: no such file (launch.config); ready ones lie in recipes/accelerate/"
        )

    configs = {
        name: config.model_copy(
            update={key: found(name, key, getattr(config, key)) for key in ("data", "probe")}
        )
        for name, config in recipe.checkpoints.items()
    }
    launch = launched(recipe.launch)
    return recipe.model_copy(update={"checkpoints": configs, "launch": launch})


def _data_digests(configs: Mapping[str, TrainConfig]) -> dict[str, str]:
    files = {f for c in configs.values() for f in (c.data, c.probe) if f is not None}
    return {str(f): file_digest(f) if f.is_file() else str(f) for f in sorted(files)}


def essence(config: TrainConfig, data: Mapping[str, str]) -> dict[str, Any]:
    """A training config with data hashes in place of paths."""
    # How activations are kept changes no outcome.
    plain = config.model_dump(mode="json", exclude={"checkpoint_activations"})
    for key in ("data", "probe"):
        if plain[key] is not None:
            plain[key] = data[plain[key]]
    return plain


def check_methods(recipe: Recipe) -> None:
    """Fail now on a checkpoint whose method cannot be trained, not after the ones before it.

    Raises:
        train.TrainError: no such method or setting (the message lists those there are), or a step
            that the processes cannot share.
    """
    from train.objectives import configured
    from train.schedule import check_processes

    for config in recipe.checkpoints.values():
        configured(config)
        check_processes(config, recipe.launch.processes if recipe.launch else 1)


def check_suites(section: EvaluateSection, data_dir: Path | None) -> None:
    """Fail now, before hours of training, on what evaluation will need.

    Raises:
        eval_suites.UnknownSuiteError, eval_suites.DataError: no such suite, or no data for it.
        RecipeError: a suite needs a judge and none is chosen.
        EngineUnavailable: this machine lacks what the engine needs.
    """
    suites = [eval_suites.find(name) for name in section.suites]
    require_judge(suites, chosen=section.judge is not None)
    for suite in suites:
        suite.load(data_dir)
    if isinstance(section.limit, dict):
        for name in section.limit:
            eval_suites.find(name)
    for choice in (section.engine, section.judge):
        if choice is not None and suites:
            make(EngineSpec(name=choice.name, base_url=choice.base_url))


def existing(
    named: Mapping[str, str], engine: EngineChoice, places: Places
) -> tuple[dict[str, str], dict[str, str]]:
    """Folders and fingerprints of checkpoints that exist (names and URLs at an endpoint)."""
    from train.fingerprint import fingerprint

    if engine.remote:
        return dict(named), {n: f"{engine.base_url} {served}" for n, served in named.items()}
    folders, prints = {}, {}
    for name, where in named.items():
        folder = models.resolve(where, places.models, places.near)
        base = models.adapter_base(folder)
        folders[name], prints[name] = str(folder), fingerprint(folder, places.memo)
        if base is not None:
            under = models.resolve(base, places.models, (folder,))
            prints[name] += f" on {fingerprint(under, places.memo)}"
    return folders, prints


def judge_of(section: EvaluateSection, places: Places) -> tuple[JudgeChoice | None, str]:
    """The judge with its model's folder (or served name), and what identifies it."""
    if section.judge is None:
        return None, ""
    folders, prints = existing({NAME: section.judge.model}, section.judge, places)
    return section.judge.model_copy(update={"model": folders[NAME]}), prints[NAME]

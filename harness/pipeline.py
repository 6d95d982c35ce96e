"""The pipeline: train what is missing, evaluate what is missing, collect, track.

Each stage is a process of its own and is skipped when its key says that it is done. Nothing here
knows a method, a suite or a tracker.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

import eval_suites
from harness import models
from harness.collect import collect
from harness.engines import EngineSpec, make
from harness.errors import UserError
from harness.evaluate_job import EvalJob
from harness.events import Reporter
from harness.launch import launch
from harness.progress import Screen
from harness.recipe import (
    BASE,
    CompareSection,
    EngineChoice,
    EvaluateSection,
    Recipe,
    limit_for,
)
from harness.result import Result
from harness.runs import RunFolder, digest, file_digest, write_json, write_text
from train.config import TrainConfig, TrainJob


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


@dataclass(slots=True)
class Finished:
    """What a pipeline leaves: its folder, the result, and what the stages said."""

    folder: RunFolder
    result: Result
    events: list[dict[str, Any]] = field(default_factory=list)


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
        return len(self.recipe.checkpoints) + bool(self.recipe.evaluate.suites) + 1


def run(recipe: Recipe, places: Places, screen: Screen, *, evaluation: bool = True) -> Finished:
    """Run a recipe's missing stages and collect its result.

    Raises:
        UserError: something in the recipe or on this machine must be mended first.
        RunFailed: a stage failed; what was finished is kept.
    """
    plan = make_plan(recipe, places)
    if evaluation:
        check_suites(recipe.evaluate, places.data_dir)
    heard: list[dict[str, Any]] = []
    report = _listener(heard, screen)
    with screen:
        for number, name in enumerate(recipe.checkpoints, start=1):
            _train(plan, name, number, screen, report)
        prints = fingerprints(plan)
        if evaluation and recipe.evaluate.suites:
            folders = {
                n: plan.base if n == BASE else str(plan.folder.checkpoint(n)) for n in prints
            }
            number = len(recipe.checkpoints) + 1
            screen.stage(number, plan.stages, "evaluate")
            if not evaluate_stage(plan.folder, recipe.evaluate, places, folders, prints, report):
                screen.skipped(number, plan.stages, "evaluate")
        result = collect(plan.folder, recipe, plan.key, prints)
        write_text(plan.folder.result, result.model_dump_json(indent=1) + "\n")
        _track(plan, result, screen, report)
    return Finished(plan.folder, result, heard)


def evaluate_models(
    named: Mapping[str, str], section: EvaluateSection, places: Places, screen: Screen
) -> Finished:
    """Evaluate checkpoints that exist already, side by side; the first is the baseline.

    `named` maps row names to checkpoint folders, hub names, or names at an endpoint.
    """
    check_suites(section, places.data_dir)
    folders, prints = _existing(named, section.engine, places)
    key = digest(prints, 8)
    first = next(iter(named))
    recipe = Recipe(
        name="eval",
        base=named[first],
        evaluate=section,
        compare=CompareSection.model_construct(baseline=first),
    )
    folder = RunFolder((places.runs / f"eval-{key}").resolve())
    heard: list[dict[str, Any]] = []
    with screen:
        screen.stage(1, 1, "evaluate")
        if not evaluate_stage(folder, section, places, folders, prints, _listener(heard, screen)):
            screen.skipped(1, 1, "evaluate")
    result = collect(folder, recipe, key, prints)
    write_text(folder.result, result.model_dump_json(indent=1) + "\n")
    return Finished(folder, result, heard)


def evaluate_stage(
    folder: RunFolder,
    section: EvaluateSection,
    places: Places,
    models: Mapping[str, str],
    prints: Mapping[str, str],
    report: Reporter,
) -> bool:
    """Run the evaluation stage of a run folder; False when it was done already."""
    job = EvalJob(
        models=dict(models),
        fingerprints=dict(prints),
        suites={suite: limit_for(section, suite) for suite in section.suites},
        repeats=section.repeats,
        seed=section.seed,
        engine=section.engine,
        data_dir=places.data_dir,
        run=folder.path,
        journal=places.runs.resolve() / "journal.sqlite",
    )
    known = job.model_dump(mode="json", exclude={"models", "run", "journal"})
    known["versions"] = {name: eval_suites.find(name).version for name in section.suites}
    return launch("evaluate", folder.evaluation, digest(known), job.model_dump(mode="json"), report)


def check_suites(section: EvaluateSection, data_dir: Path | None) -> None:
    """Fail now, before hours of training, on what evaluation will need.

    Raises:
        eval_suites.UnknownSuiteError, eval_suites.DataError: no such suite, or no data for it.
        EngineUnavailable: this machine lacks what the engine needs.
    """
    for name in section.suites:
        eval_suites.find(name).load(data_dir)
    if isinstance(section.limit, dict):
        for name in section.limit:
            eval_suites.find(name)
    if section.suites:
        make(EngineSpec(name=section.engine.name, base_url=section.engine.base_url))


def _folder(plan: Plan, name: str) -> str:
    return plan.base if name == BASE else str(plan.folder.checkpoint(name))


def _listener(heard: list[dict[str, Any]], screen: Screen) -> Reporter:
    def report(event: Mapping[str, Any]) -> None:
        if event["event"] not in ("progress", "log"):
            heard.append(dict(event))
        screen(event)

    return report


def _existing(
    named: Mapping[str, str], engine: EngineChoice, places: Places
) -> tuple[dict[str, str], dict[str, str]]:
    """Folders and fingerprints of checkpoints that exist (names and URLs at an endpoint)."""
    from train.fingerprint import fingerprint

    if engine.base_url:
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
            "checkpoints": {n: _essence(c, data) for n, c in recipe.checkpoints.items()},
        },
        8,
    )
    run_folder = RunFolder((places.runs / f"{recipe.name}-{key}").resolve())
    resolved = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    write_text(run_folder.resolved, resolved)
    return Plan(recipe, places, base, base_print, data, key, run_folder)


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
    """The recipe with its data files found: beside it, else in the data folder.

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

    configs = {
        name: config.model_copy(
            update={key: found(name, key, getattr(config, key)) for key in ("data", "probe")}
        )
        for name, config in recipe.checkpoints.items()
    }
    return recipe.model_copy(update={"checkpoints": configs})


def _data_digests(configs: Mapping[str, TrainConfig]) -> dict[str, str]:
    files = {f for c in configs.values() for f in (c.data, c.probe) if f is not None}
    return {str(f): file_digest(f) if f.is_file() else str(f) for f in sorted(files)}


def _essence(config: TrainConfig, data: Mapping[str, str]) -> dict[str, Any]:
    """A training config with data hashes in place of paths."""
    plain = config.model_dump(mode="json")
    for key in ("data", "probe"):
        if plain[key] is not None:
            plain[key] = data[plain[key]]
    return plain


def _train(plan: Plan, name: str, number: int, screen: Screen, report: Reporter) -> None:
    config = plan.recipe.checkpoints[name]
    folder = plan.folder.train(name)
    job = TrainJob(
        base=Path(plan.base), out=folder, cache=plan.places.runs.resolve() / "cache", config=config
    )
    key = digest({"base": plan.base_print, "config": _essence(config, plan.data)})
    screen.stage(number, plan.stages, f"train {name}")
    if not launch("train", folder, key, job.model_dump(mode="json"), report):
        screen.skipped(number, plan.stages, f"train {name}")


def _track(plan: Plan, result: Result, screen: Screen, report: Reporter) -> None:
    if not plan.places.tracking_uri:
        return
    job = {
        "run": str(plan.folder.path),
        "uri": plan.places.tracking_uri,
        "experiment": plan.recipe.name,
    }
    screen.stage(plan.stages, plan.stages, "log to MLflow")
    key = digest({"result": result.model_dump(mode="json"), **job})
    if not launch("track", plan.folder.tracking, key, job, report):
        screen.skipped(plan.stages, plan.stages, "log to MLflow")
    write_json(plan.folder.tracking / "where.json", job)

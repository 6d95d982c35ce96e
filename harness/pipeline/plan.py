"""What a recipe means on this machine, found out before anything starts.

Names become folders, files become hashes, and the hashes become the run folder's key.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.data.sampling import resolve as sampling
from harness.data.sampling.job import engine_essence
from harness.data.sampling.job import essence as sample_essence
from harness.engines import checkpoints
from harness.engines.options import EngineChoice, EngineSpec
from harness.engines.registry import make
from harness.errors import UserError
from harness.evaluate.judge.capabilities import require_able, require_fit
from harness.evaluate.judge.judge import NAME, require_judge
from harness.evaluate.suites.kl import any_kl
from harness.evaluate.suites.pairwise import any_duels
from harness.evaluate.suites.registry import find
from harness.recipe.dependencies import Step, steps
from harness.recipe.sampling import PREFIX, sample_named
from harness.recipe.schema import EvaluateSection, JudgeChoice, LaunchSection, Recipe
from harness.storage.atomic_files import write_text
from harness.storage.hashing import digest
from harness.storage.run_folder import RunFolder
from train.config import TrainConfig
from train.data import hub, sources


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
    """A recipe on this machine: the base's folder, data hashes, the run folder.

    `full` is the full checkpoint under the base: the base itself, unless that is an adapter, which
    is then trained on. `data` has a hash for each source; for a sample (`sample:NAME`) of all that
    it will be drawn from but the weights, and `identities` what its prompts and scorer are.
    """

    recipe: Recipe
    places: Places
    base: str
    full: str
    base_print: str
    data: Mapping[str, str]
    identities: Mapping[str, tuple[str, str]]
    key: str
    folder: RunFolder

    @property
    def adapter(self) -> Path | None:
        """The base where it is an adapter."""
        return None if self.base == self.full else Path(self.base)

    @property
    def steps(self) -> tuple[Step, ...]:
        """Samples and checkpoints in the order in which they are made."""
        return steps(self.recipe.checkpoints, self.recipe.starts, self.recipe.sample)

    @property
    def stages(self) -> int:
        """How many stages there are."""
        asked = self.recipe.evaluate.suites
        measured = any_kl(asked) + any_duels(asked)
        optional = bool(asked) + measured + bool(self.places.tracking_uri)
        return len(self.steps) + optional


def make_plan(recipe: Recipe, places: Places) -> Plan:
    """As `planned`; the resolved recipe is written into the run folder."""
    plan = planned(recipe, places)
    plain = plan.recipe.model_dump(mode="json")
    write_text(plan.folder.resolved, yaml.safe_dump(plain, sort_keys=False, allow_unicode=True))
    return plan


def planned(recipe: Recipe, places: Places) -> Plan:
    """Resolve the base, hash the data and find the run folder.

    The folder's key covers what makes the checkpoints (base, configs, data), not what is measured
    on them: another limit or suite goes on in the same folder.
    """
    from train.model.fingerprint import fingerprint_on

    folder = checkpoints.resolve(recipe.base, places.models, places.near)
    full = checkpoints.under(folder, places.models) or folder
    adapter = None if full == folder else folder
    base_print = fingerprint_on(full, adapter, places.memo)
    recipe = trained_on(located(recipe, places), adapter)
    identities = {
        n: sampling.identities(s, places.models, places.memo) for n, s in recipe.sample.items()
    }
    data = {**_data_digests(recipe.checkpoints), **_sample_digests(recipe, identities)}
    made = {
        "base": base_print,
        "checkpoints": {n: essence(c, data) for n, c in recipe.checkpoints.items()},
    }
    key = digest({**made, "starts": recipe.starts} if recipe.starts else made, 8)
    run_folder = RunFolder((places.runs / f"{recipe.name}-{key}").resolve())
    return Plan(
        recipe, places, str(folder), str(full), base_print, data, identities, key, run_folder
    )


def trained_on(recipe: Recipe, adapter: Path | None) -> Recipe:
    """The recipe with each checkpoint that trains an adapter on having its rank and scale.

    That is the base's adapter, or that of the checkpoint which another one starts from.

    Raises:
        train.TrainError: a checkpoint asks for all weights, or for another rank or scale.
    """
    from train.model.adapters import adopt_adapter, adopt_adapter_settings

    found: dict[str, TrainConfig] = {}
    for step in steps(recipe.checkpoints, recipe.starts, recipe.sample):
        if step.kind == "sample":
            continue
        config, start = recipe.checkpoints[step.name], recipe.starts.get(step.name)
        lora = None if start is None else found[start].lora
        if lora is not None:
            own = {"rank": lora.rank, "scale": lora.scale}
            config = adopt_adapter_settings(config, own, f"checkpoint {start}")
        elif start is None and adapter is not None:
            config = adopt_adapter(config, adapter)
        found[step.name] = config
    return recipe.model_copy(update={"checkpoints": {n: found[n] for n in recipe.checkpoints}})


def located(recipe: Recipe, places: Places) -> Recipe:
    """The recipe with its data found: beside it, else in the data folder, or on the hub.

    A name on the hub gets the commit that it stands for now, so that the run folder's key, the
    resolved recipe and every later reading mean the same data.

    Raises:
        UserError: a file or folder is in no such place.
        train.DataError: a name on the hub cannot be resolved.
    """
    roots = [*places.near, *([places.data_dir] if places.data_dir else []), Path()]
    pinned = functools.cache(sources.pin)  # one question to the hub a name

    def found(name: str, key: str, source: str | None) -> str | None:
        if source is None or sample_named(source) is not None:
            return source
        if hub.is_name(source):
            return pinned(source)
        for root in roots:
            if (root / source).exists():
                return str((root / source).resolve())
        raise UserError(
            f"{source}: no such file or folder (checkpoints.{name}.{key}); looked in "
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
    samples = {
        name: sampling.resolved(one, roots, places.models, places.near)
        for name, one in recipe.sample.items()
    }
    evaluate = _with_tasks(recipe.evaluate, places)
    update = {"checkpoints": configs, "launch": launch, "evaluate": evaluate, "sample": samples}
    return recipe.model_copy(update=update)


def _with_tasks(section: EvaluateSection, places: Places) -> EvaluateSection:
    """The section with its folder of lm-eval tasks found: beside the recipe, or from here."""
    if section.lm_eval_tasks is None:
        return section
    for root in (*places.near, Path()):
        if (root / section.lm_eval_tasks).is_dir():
            tasks = (root / section.lm_eval_tasks).resolve()
            return section.model_copy(update={"lm_eval_tasks": tasks})
    raise UserError(f"{section.lm_eval_tasks}: no such folder (evaluate.lm_eval_tasks)")


def _data_digests(configs: Mapping[str, TrainConfig]) -> dict[str, str]:
    named = {s for c in configs.values() for s in (c.data, c.probe) if s is not None}
    given = sorted(source for source in named if sample_named(source) is None)
    return {source: sources.fingerprint(source) for source in given}


def _sample_digests(recipe: Recipe, identities: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """`sample:NAME` -> a hash of what is sampled, from which checkpoint, by which engine."""
    engine = engine_essence(recipe.evaluate.engine)
    return {
        f"{PREFIX}{name}": digest(
            [section.checkpoint, engine, sample_essence(section, *identities[name])]
        )
        for name, section in recipe.sample.items()
    }


def essence(config: TrainConfig, data: Mapping[str, str]) -> dict[str, Any]:
    """A training config with what identifies its data in place of paths."""
    # How activations are kept changes no outcome.
    plain = config.model_dump(mode="json", exclude={"checkpoint_activations"})
    for key in ("data", "probe"):
        if plain[key] is not None:
            plain[key] = data[plain[key]]
    return plain


def check_methods(recipe: Recipe) -> None:
    """Fail now on a checkpoint that cannot be trained here, not after the ones before it.

    Raises:
        train.TrainError: no such method or setting, what it needs is not installed, or a step that
            the processes cannot share.
    """
    from train.model.quantisation import require_backend
    from train.objectives.registry import configure_loss
    from train.trainer.schedule import check_processes

    for config in recipe.checkpoints.values():
        configure_loss(config)
        require_backend(config)
        check_processes(config, recipe.launch.processes if recipe.launch else 1)


def check_suites(section: EvaluateSection, data_dir: Path | None) -> None:
    """Fail now, before hours of training, on what evaluation will need.

    Raises:
        eval_suites.UnknownSuiteError, eval_suites.DataError: no such suite, or no data for it.
        RecipeError: a suite needs a judge and none is chosen.
        UserError: a task of lm-eval that is not run here, or lm-eval is not installed.
        EngineUnavailable: this machine lacks what the engine needs, or engine or judge lack what a
            suite needs.
    """
    suites = [find(name, section.lm_eval_tasks) for name in section.suites]
    require_judge(suites, chosen=section.judge is not None)
    require_able(suites, section.judge)
    for suite in suites:
        suite.load(data_dir)
    if isinstance(section.limit, dict):
        for name in section.limit.keys() - set(section.suites):
            find(name, section.lm_eval_tasks)
    if suites:
        engine = make(EngineSpec(name=section.engine.name, base_url=section.engine.base_url))
        require_fit(suites, section.engine.name, engine.capabilities)
    if suites and section.judge is not None:
        make(EngineSpec(name=section.judge.name, base_url=section.judge.base_url))


def existing(
    named: Mapping[str, str], engine: EngineChoice, places: Places
) -> tuple[dict[str, str], dict[str, str]]:
    """Folders and fingerprints of checkpoints that exist (names and URLs at an endpoint)."""
    if engine.remote:
        where = engine.base_url
        return dict(named), {n: f"{where} {served}".strip() for n, served in named.items()}
    folders, prints = {}, {}
    for name, where in named.items():
        folder = checkpoints.resolve(where, places.models, places.near)
        folders[name] = str(folder)
        prints[name] = checkpoints.fingerprint_of_folder(folder, places.models, places.memo)
    return folders, prints


def judge_of(section: EvaluateSection, places: Places) -> tuple[JudgeChoice | None, str]:
    """The judge with its model's folder (or served name), and what identifies it."""
    if section.judge is None:
        return None, ""
    folders, prints = existing({NAME: section.judge.model}, section.judge, places)
    return section.judge.model_copy(update={"model": folders[NAME]}), prints[NAME]

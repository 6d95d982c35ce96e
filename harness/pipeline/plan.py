"""A recipe on this machine: folders, hashes of data, fingerprints, and the run folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from harness.data.sampling import resolve as sampling
from harness.engines import checkpoints
from harness.pipeline.keys import data_digests, run_key
from harness.pipeline.lookup import locate
from harness.pipeline.places import Places
from harness.recipe.dependencies import Step, order_steps
from harness.recipe.schema import BASE, Recipe
from harness.storage.atomic_files import write_text
from harness.storage.run_folder import RunFolder
from train.config import TrainConfig


@dataclass(frozen=True, slots=True)
class Plan:
    """A recipe with everything that it names found on this machine.

    Attributes:
        base: folder of the base.
        full: the full checkpoint under the base: the base itself, unless that is an adapter, which
            is then trained on.
        data: source of training data -> its hash (`harness.pipeline.keys.data_digests`).
        identities: sample -> what identifies its prompts and its scorer.
    """

    recipe: Recipe
    places: Places
    base: Path
    full: Path
    base_fingerprint: str
    data: Mapping[str, str]
    identities: Mapping[str, tuple[str, str]]
    key: str
    folder: RunFolder

    @property
    def adapter(self) -> Path | None:
        """The base where it is an adapter."""
        return None if self.base == self.full else self.base

    @property
    def steps(self) -> tuple[Step, ...]:
        """Samples and checkpoints in the order in which they are made."""
        return order_steps(self.recipe)

    def checkpoint(self, name: str) -> Path:
        """Return the folder of the base or of a checkpoint, trained or not."""
        return self.base if name == BASE else self.folder.checkpoint(name)

    def starting_point(self, name: str) -> tuple[Path, Path | None]:
        """Return the full checkpoint that a checkpoint is trained on, and the adapter on it.

        A folder that another checkpoint of the recipe is to make may not be there yet.
        """
        start = self.recipe.starts.get(name)
        if start is None:
            return self.full, self.adapter
        folder = self.folder.checkpoint(start)
        if self.recipe.checkpoints[start].lora is None:
            return folder, None
        return self.starting_point(start)[0], folder

    def fingerprint_of(self, name: str) -> str:
        """Return the fingerprint of a checkpoint's weights; "" before they are trained."""
        from train.model.files import fingerprint

        folder, memo = self.checkpoint(name), self.places.memo
        if name == BASE:
            return self.base_fingerprint
        if not folder.is_dir():
            return ""
        full, _ = self.starting_point(name)
        return f"{fingerprint(folder, memo)} on {fingerprint(full, memo)}"

    def fingerprints(self) -> dict[str, str]:
        """Map each trained checkpoint to its fingerprint, the base first."""
        trained = {name: self.fingerprint_of(name) for name in (BASE, *self.recipe.checkpoints)}
        return {name: fingerprint for name, fingerprint in trained.items() if fingerprint}


def make_plan(recipe: Recipe, places: Places) -> Plan:
    """Plan a recipe, and write the resolved recipe into the run folder."""
    plan = plan_recipe(recipe, places)
    plain = plan.recipe.model_dump(mode="json")
    write_text(plan.folder.resolved, yaml.safe_dump(plain, sort_keys=False, allow_unicode=True))
    return plan


def plan_recipe(recipe: Recipe, places: Places) -> Plan:
    """Resolve the base, hash the data and find the run folder; nothing is written.

    The folder's key covers what makes the checkpoints (base, configs, data), not what is measured
    on them: another limit or suite continues in the same folder.

    Raises:
        UserError: the base, a file or a folder is not there.
        train.TrainError, train.DataError: settings do not fit an adapter; data cannot be read.
    """
    from train.model.files import fingerprint_on

    folder = checkpoints.resolve(recipe.base, places.models, places.near)
    full = checkpoints.under(folder, places.models) or folder
    adapter = None if full == folder else folder
    base_fingerprint = fingerprint_on(full, adapter, places.memo)
    recipe = adopt_adapters(locate(recipe, places), adapter)
    identities = {
        name: sampling.identities(section, places.models, places.memo)
        for name, section in recipe.sample.items()
    }
    data = data_digests(recipe, identities)
    key = run_key(recipe, base_fingerprint, data)
    return Plan(
        recipe=recipe,
        places=places,
        base=folder,
        full=full,
        base_fingerprint=base_fingerprint,
        data=data,
        identities=identities,
        key=key,
        folder=RunFolder((places.runs / f"{recipe.name}-{key}").resolve()),
    )


def adopt_adapters(recipe: Recipe, adapter: Path | None) -> Recipe:
    """Return the recipe with rank and scale of the adapter that each checkpoint trains on.

    That is the base's adapter, or that of the checkpoint which another one starts from.

    Raises:
        train.TrainError: a checkpoint asks for all weights, or for another rank or scale.
    """
    from train.model.adapters import adopt_adapter, adopt_adapter_settings

    adopted: dict[str, TrainConfig] = {}
    for step in order_steps(recipe):
        if step.kind == "sample":
            continue
        config, start = recipe.checkpoints[step.name], recipe.starts.get(step.name)
        lora = None if start is None else adopted[start].lora
        if lora is not None:
            own = {"rank": lora.rank, "scale": lora.scale}
            config = adopt_adapter_settings(config, own, f"checkpoint {start}")
        elif start is None and adapter is not None:
            config = adopt_adapter(config, adapter)
        adopted[step.name] = config
    return recipe.model_copy(update={"checkpoints": {n: adopted[n] for n in recipe.checkpoints}})

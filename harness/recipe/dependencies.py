"""The order of a recipe's steps: samples need checkpoints, checkpoints need samples."""

from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Literal

from harness.errors import RecipeError
from harness.recipe.schema import BASE, Recipe, sample_named


@dataclass(frozen=True, slots=True)
class Step:
    """Something that a stage makes: a checkpoint, or a sample."""

    kind: Literal["sample", "train"]
    name: str

    @property
    def where(self) -> str:
        """Its place in the recipe."""
        return f"{'sample' if self.kind == 'sample' else 'checkpoints'}.{self.name}"


def order_steps(recipe: Recipe) -> tuple[Step, ...]:
    """Return all steps, each after those that it needs, otherwise as the recipe has them.

    Raises:
        RecipeError: a step needs something that the recipe does not have, or needs itself.
    """
    needs: dict[Step, list[Step]] = {}
    for name, config in recipe.checkpoints.items():
        step = Step("train", name)
        needs[step] = _checkpoint(recipe.starts.get(name, BASE), f"{step.where}.base", recipe)
        for key in ("data", "probe"):
            if (sample := sample_named(getattr(config, key))) is not None:
                needs[step].append(Step("sample", sample))
                if sample not in recipe.sample:
                    names = ", ".join(recipe.sample) or "none; write a section `sample:`"
                    where = f"{step.where}.{key}: no sample is called {sample!r}"
                    raise RecipeError(f"{where}: the recipe has {names}")
    for name, section in recipe.sample.items():
        step = Step("sample", name)
        needs[step] = _checkpoint(section.checkpoint, f"{step.where}.checkpoint", recipe)
    try:
        return tuple(TopologicalSorter(needs).static_order())
    except CycleError as error:
        # Each step of the ring is needed by the next, and the first is the last.
        chain = " needs ".join(step.where for step in reversed(error.args[1]))
        raise RecipeError(
            f"{chain}: nothing can be made first; take one of them from {BASE}"
        ) from None


def _checkpoint(name: str, key: str, recipe: Recipe) -> list[Step]:
    """Return the step that trains a checkpoint; none for the base."""
    if name == BASE:
        return []
    if name not in recipe.checkpoints:
        names = ", ".join([BASE, *recipe.checkpoints])
        raise RecipeError(f"{key}: no checkpoint is called {name!r}: choose from {names}")
    return [Step("train", name)]

"""The order of a recipe's steps: samples need checkpoints, checkpoints need samples."""

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Literal

from harness.errors import RecipeError
from harness.recipe.sampling import SampleSection, sample_named
from train.config import TrainConfig

BASE = "base"


@dataclass(frozen=True, slots=True)
class Step:
    """Something that a stage makes: a checkpoint, or a sample."""

    kind: Literal["sample", "train"]
    name: str

    @property
    def where(self) -> str:
        """Its place in the recipe."""
        return f"{'sample' if self.kind == 'sample' else 'checkpoints'}.{self.name}"


def order_steps(
    checkpoints: Mapping[str, TrainConfig],
    starts: Mapping[str, str],
    samples: Mapping[str, SampleSection],
) -> tuple[Step, ...]:
    """Return all steps, each after those that it needs, otherwise as the recipe has them.

    `starts` maps a checkpoint to the one that it is trained on.

    Raises:
        RecipeError: a step needs something that the recipe does not have, or needs itself.
    """
    needs: dict[Step, list[Step]] = {}
    for name, config in checkpoints.items():
        step = Step("train", name)
        needs[step] = _checkpoint(starts.get(name, BASE), f"{step.where}.base", checkpoints)
        for key in ("data", "probe"):
            if (sample := sample_named(getattr(config, key))) is not None:
                needs[step].append(_sample(sample, f"{step.where}.{key}", samples))
    for name, section in samples.items():
        step = Step("sample", name)
        needs[step] = _checkpoint(section.checkpoint, f"{step.where}.checkpoint", checkpoints)
    try:
        return tuple(TopologicalSorter(needs).static_order())
    except CycleError as error:
        raise RecipeError(_explain_cycle(error.args[1])) from None


def _checkpoint(name: str, key: str, checkpoints: Mapping[str, TrainConfig]) -> list[Step]:
    """Return the step that trains a checkpoint; none for the base."""
    if name == BASE:
        return []
    if name not in checkpoints:
        names = ", ".join([BASE, *checkpoints])
        raise RecipeError(f"{key}: no checkpoint is called {name!r}: choose from {names}")
    return [Step("train", name)]


def _sample(name: str, key: str, samples: Mapping[str, SampleSection]) -> Step:
    if name not in samples:
        names = ", ".join(samples) or "none; write a section `sample:`"
        raise RecipeError(f"{key}: no sample is called {name!r}: the recipe has {names}")
    return Step("sample", name)


def _explain_cycle(ring: list[Step]) -> str:
    """Return a ring of steps in words; each is needed by the next, and the first is the last."""
    chain = " needs ".join(step.where for step in reversed(ring))
    return f"{chain}: nothing can be made first; take one of them from {BASE}"

"""What of a recipe is made from what: samples from checkpoints, checkpoints from samples.

Everything stands after what it needs, otherwise as the recipe has it.
"""

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


def steps(
    checkpoints: Mapping[str, TrainConfig],
    starts: Mapping[str, str],
    samples: Mapping[str, SampleSection],
) -> tuple[Step, ...]:
    """All steps in an order in which they can be made.

    Args:
        checkpoints: of a recipe.
        starts: checkpoint -> the checkpoint that it is trained on.
        samples: of a recipe.

    Raises:
        RecipeError: something needs what the recipe has not, or itself.
    """
    needs: dict[Step, list[Step]] = {}
    for name, config in checkpoints.items():
        step = Step("train", name)
        start, where = starts.get(name, BASE), step.where
        drawn = ((key, sample_named(getattr(config, key))) for key in ("data", "probe"))
        needs[step] = [
            *_checkpoints(start, f"{where}.base", checkpoints),
            *(_sample(one, f"{where}.{key}", samples) for key, one in drawn if one is not None),
        ]
    for name, section in samples.items():
        step = Step("sample", name)
        needs[step] = _checkpoints(section.checkpoint, f"{step.where}.checkpoint", checkpoints)
    try:
        return tuple(TopologicalSorter(needs).static_order())
    except CycleError as error:
        raise RecipeError(_cycle(error.args[1])) from None


def _checkpoints(name: str, key: str, known: Mapping[str, TrainConfig]) -> list[Step]:
    """The checkpoint of this name, which must be trained first; none where it is the base."""
    if name == BASE:
        return []
    if name not in known:
        names = ", ".join([BASE, *known])
        raise RecipeError(f"{key}: no checkpoint is called {name!r}: choose from {names}")
    return [Step("train", name)]


def _sample(name: str, key: str, known: Mapping[str, SampleSection]) -> Step:
    if name not in known:
        names = ", ".join(known) or "none; write a section `sample:`"
        raise RecipeError(f"{key}: no sample is called {name!r}: the recipe has {names}")
    return Step("sample", name)


def _cycle(ring: list[Step]) -> str:
    """A ring, each of which the next needs; the first is the last again."""
    round_ = " needs ".join(step.where for step in reversed(ring))
    return f"{round_}: nothing can be made first; take one of them from {BASE}"

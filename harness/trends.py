"""How likelihoods move under several objectives: over training seeds, and at equal margin.

An objective that holds the best response may merely have trained less. So besides each one's own
last step, every objective is read off where its margin equals that of a baseline at its end: what
the same separation of best and worst cost the best response.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.errors import RunError
from harness.likelihood import Likelihood, trend
from harness.result import Result


@dataclass(frozen=True, slots=True)
class Trend:
    """One objective's curves: of each training seed, the change at every probed step."""

    label: str
    seeds: tuple[tuple[Likelihood, ...], ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """Change since step 0 at some point of training, nats, means over held-out prompts.

    Attributes:
        step: optimiser steps; a fraction where it lies between two probes.
        best: of the best response.
        worst: of the worst response.
        rose: share of prompts whose best response became more likely; None between probes.
    """

    step: float
    best: float
    worst: float
    rose: float | None = None


@dataclass(frozen=True, slots=True)
class Spread:
    """A number over seeds: mean, smallest, largest."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of one value a seed."""
        return cls(sum(values) / len(values), min(values), max(values))


@dataclass(frozen=True, slots=True)
class TrendRow:
    """An objective at its own last step, and where its margin equals the baseline's last one.

    Attributes:
        label: its name.
        last: one reading a seed.
        equal: one reading a seed that reached the baseline's margin (of the same seed).
        seeds: how many seeds there are.
    """

    label: str
    last: tuple[Reading, ...]
    equal: tuple[Reading, ...]
    seeds: int


def trends(result: Result) -> tuple[Trend, ...]:
    """The curves of a result, checkpoints that differ in their seed only as one.

    A sweep over `seed` names its checkpoints `<name>-seed<N>`.

    Raises:
        RunError: no checkpoint was probed while training.
    """
    curves: dict[str, list[tuple[Likelihood, ...]]] = {}
    for checkpoint in result.checkpoints:
        points = trend(checkpoint.name, checkpoint.probe)
        if len(points) > 1:
            seed = (checkpoint.train or {}).get("seed")
            curves.setdefault(checkpoint.name.removesuffix(f"-seed{seed}"), []).append(points)
    if not curves:
        raise RunError(
            f"run {result.recipe} has no probes; train with `probe` set to a file of held-out rows"
        )
    return tuple(Trend(label, tuple(seeds)) for label, seeds in curves.items())


def rows(found: Sequence[Trend], baseline: str) -> tuple[TrendRow, ...]:
    """Each objective at its end and at the baseline's margin.

    Args:
        found: what `trends` gave; all have the same seeds in the same order.
        baseline: label of the objective whose last margin is the measure.

    Raises:
        RunError: there is no such objective, or the numbers of seeds differ.
    """
    known = {t.label: t for t in found}
    if baseline not in known:
        raise RunError(f"no checkpoint {baseline!r} was probed: there are {', '.join(known)}")
    targets = [points[-1].margin.value for points in known[baseline].seeds]
    return tuple(_row(t, targets) for t in found)


def _row(found: Trend, targets: Sequence[float]) -> TrendRow:
    if len(found.seeds) != len(targets):
        raise RunError(
            f"{found.label} has {len(found.seeds)} seeds and the baseline {len(targets)}: "
            "train all with the same"
        )
    reached = (at_margin(points, t) for points, t in zip(found.seeds, targets, strict=True))
    return TrendRow(
        label=found.label,
        last=tuple(_reading(points[-1]) for points in found.seeds),
        equal=tuple(reading for reading in reached if reading is not None),
        seeds=len(found.seeds),
    )


def at_margin(points: Sequence[Likelihood], margin: float) -> Reading | None:
    """Where a curve first reaches a margin, nats; linear between probes, None if it never does."""
    for before, after in pairwise(points):
        if before.margin.value < margin <= after.margin.value:
            share = (margin - before.margin.value) / (after.margin.value - before.margin.value)
            return Reading(*(a + share * (b - a) for a, b in _both(before, after)))
    return None


def _both(before: Likelihood, after: Likelihood) -> Iterator[tuple[float, float]]:
    yield before.step, after.step
    yield before.best.value, after.best.value
    yield before.worst.value, after.worst.value


def _reading(point: Likelihood) -> Reading:
    return Reading(point.step, point.best.value, point.worst.value, point.rose)

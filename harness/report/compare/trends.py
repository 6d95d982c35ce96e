"""The movement of likelihoods under several objectives: over seeds, and at equal margin.

An objective that holds the best response may merely have trained less. So besides each one's own
last step, every objective is read off where its margin equals that of a baseline at its end: what
the same separation of best and worst cost the best response.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.errors import RunError
from harness.report.compare.likelihood import Likelihood, trend
from harness.storage.result import Result


@dataclass(frozen=True, slots=True)
class Trend:
    """One objective's curves: of each training seed, the change at every probed step."""

    label: str
    seeds: Mapping[int, tuple[Likelihood, ...]]

    def points(self) -> Iterator[Likelihood]:
        """Yield the points of all seeds."""
        for curve in self.seeds.values():
            yield from curve


@dataclass(frozen=True, slots=True)
class Reading:
    """Change since step 0 at some point of training, nats, means over the prompts of the probe.

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
        """Return the spread of one value a seed."""
        return cls(sum(values) / len(values), min(values), max(values))


@dataclass(frozen=True, slots=True)
class TrendRow:
    """An objective at its own last step, and where its margin equals the baseline's last one.

    Attributes:
        label: its name.
        last: of each training seed.
        equal: of each training seed that reached the baseline's margin (of the same seed).
    """

    label: str
    last: Mapping[int, Reading]
    equal: Mapping[int, Reading]


def trends(result: Result) -> tuple[Trend, ...]:
    """Return the curves of a result; checkpoints that differ in the seed alone are one.

    A sweep over `seed` names its checkpoints `<name>-seed<N>`.

    Raises:
        RunError: no checkpoint was probed while training.
    """
    curves: dict[str, dict[int, tuple[Likelihood, ...]]] = {}
    for checkpoint in result.checkpoints:
        points = trend(checkpoint.name, checkpoint.probe)
        if len(points) > 1:
            seed = int((checkpoint.train or {}).get("seed", 0))
            curves.setdefault(checkpoint.name.removesuffix(f"-seed{seed}"), {})[seed] = points
    if not curves:
        raise RunError(
            f"run {result.recipe} has no probes; train with `probe` set to a file of held-out rows"
        )
    return tuple(Trend(label, seeds) for label, seeds in curves.items())


def rows(curves: Sequence[Trend], baseline: str) -> tuple[TrendRow, ...]:
    """Return each objective at its end and at the baseline's margin.

    Args:
        curves: from `trends`; all have the same seeds.
        baseline: label of the objective whose last margin is the measure.

    Raises:
        RunError: there is no such objective, or the seeds differ.
    """
    by_label = {t.label: t for t in curves}
    if baseline not in by_label:
        raise RunError(f"no checkpoint {baseline!r} was probed: there are {', '.join(by_label)}")
    targets = {seed: points[-1].margin.value for seed, points in by_label[baseline].seeds.items()}
    return tuple(_row(t, targets) for t in curves)


def _row(curve: Trend, targets: Mapping[int, float]) -> TrendRow:
    if set(curve.seeds) != set(targets):
        own, expected = (", ".join(map(str, sorted(seeds))) for seeds in (curve.seeds, targets))
        raise RunError(
            f"{curve.label} has seeds {own} and the baseline {expected}: train all with the same"
        )
    reached = {seed: at_margin(points, targets[seed]) for seed, points in curve.seeds.items()}
    return TrendRow(
        label=curve.label,
        last={seed: _reading(points[-1]) for seed, points in curve.seeds.items()},
        equal={seed: reading for seed, reading in reached.items() if reading is not None},
    )


def at_margin(points: Sequence[Likelihood], margin: float) -> Reading | None:
    """Return the first point of a margin, in nats, linear between probes; None if not reached."""
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

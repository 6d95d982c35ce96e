"""The change of the likelihood of good and bad responses in training, on probe prompts.

This is what the method is about: some objectives widen the margin by lowering both responses,
others hold the best one up. Changes are against the reference, which is the model at step 0.

An objective that holds the best response may merely have trained less. So besides each one's own
last step, every objective is read off where its margin equals that of a baseline at its end: what
the same separation of best and worst cost the best response.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from harness.errors import RunError
from harness.stats.records import Mean
from harness.storage.result import Result


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Change since step 0, over the prompts of a probe.

    `best` and `worst` are changes of a response's summed log-probability, nats; `margin` is best
    minus worst, logged without an error. `rose` is the share of prompts whose best response became
    more likely, 0 to 1, and `trained_on` counts the prompts that were trained on too; None if not
    logged.
    """

    checkpoint: str
    step: int
    best: Mean
    worst: Mean
    margin: Mean
    rose: float | None
    trained_on: int | None = None


@dataclass(frozen=True, slots=True)
class Trend:
    """One objective's curves: of each training seed, the change at every probed step."""

    label: str
    seeds: Mapping[int, tuple[Likelihood, ...]]


@dataclass(frozen=True, slots=True)
class Reading:
    """Change since step 0 at some point of training, nats, means over the prompts of the probe.

    `step` counts optimiser steps, with a fraction where it lies between two probes. `rose` is the
    share of prompts whose best response became more likely; None between probes.
    """

    step: float
    best: float
    worst: float
    rose: float | None = None


@dataclass(frozen=True, slots=True)
class TrendRow:
    """An objective at its own last step, and where its margin equals the baseline's last one.

    `last` has each training seed, `equal` those that reached the baseline's margin (same seed).
    """

    label: str
    last: Mapping[int, Reading]
    equal: Mapping[int, Reading]


def trend(checkpoint: str, probe: Sequence[Mapping[str, Any]]) -> tuple[Likelihood, ...]:
    """Return the change at every probed step.

    `probe` has the records of `steps.jsonl` (`train.trainer.metrics.summarise`), in order of their
    steps. One in which no prompt had a best and a worst response is left out.
    """
    points = []
    for record in probe:
        if record.get("logratio_best") is None or record.get("logratio_worst") is None:
            continue
        best, worst = (
            Mean(record[key], record.get(f"{key}_se"), record["prompts"])
            for key in ("logratio_best", "logratio_worst")
        )
        margin = Mean(best.value - worst.value, record.get("logratio_margin_se"), best.n)
        rose, trained_on = record.get("best_rose"), record.get("trained_on")
        points.append(Likelihood(checkpoint, record["step"], best, worst, margin, rose, trained_on))
    return tuple(points)


def likelihood(result: Result) -> tuple[Likelihood, ...]:
    """Return the change at the last step of each checkpoint that was probed after step 0."""
    trends = (trend(c.name, c.probe) for c in result.checkpoints)
    return tuple(points[-1] for points in trends if points and points[-1].step > 0)


def prompts_named(rows: Sequence[Likelihood]) -> str:
    """Return the words for the prompts of these rows: held out, trained on, or neither."""
    kinds = set()
    for row in rows:
        names: dict[int | None, str] = {0: "held-out prompts"}
        names[row.best.n] = "prompts that were trained on"
        kinds.add(names.get(row.trained_on, "probe prompts"))
    return kinds.pop() if len(kinds) == 1 else "probe prompts"


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


def trend_rows(curves: Sequence[Trend], baseline: str) -> tuple[TrendRow, ...]:
    """Return each objective at its end and at the last margin of the objective `baseline`.

    Raises:
        RunError: there is no such objective, or the seeds differ.
    """
    by_label = {t.label: t for t in curves}
    if baseline not in by_label:
        raise RunError(f"no checkpoint {baseline!r} was probed: there are {', '.join(by_label)}")
    targets = {seed: points[-1].margin.value for seed, points in by_label[baseline].seeds.items()}
    rows = []
    for curve in curves:
        if set(curve.seeds) != set(targets):
            own, expected = (", ".join(map(str, sorted(s))) for s in (curve.seeds, targets))
            raise RunError(
                f"{curve.label} has seeds {own} and the baseline {expected}: "
                "train all with the same"
            )
        ends = {seed: points[-1] for seed, points in curve.seeds.items()}
        last = {s: Reading(p.step, p.best.value, p.worst.value, p.rose) for s, p in ends.items()}
        reached = {s: at_margin(points, targets[s]) for s, points in curve.seeds.items()}
        equal = {seed: reading for seed, reading in reached.items() if reading is not None}
        rows.append(TrendRow(curve.label, last, equal))
    return tuple(rows)


def at_margin(points: Sequence[Likelihood], margin: float) -> Reading | None:
    """Return the first point of a margin, in nats, linear between probes; None if not reached."""
    for before, after in pairwise(points):
        if before.margin.value < margin <= after.margin.value:
            share = (margin - before.margin.value) / (after.margin.value - before.margin.value)
            first, second = ((p.step, p.best.value, p.worst.value) for p in (before, after))
            return Reading(*(a + share * (b - a) for a, b in zip(first, second, strict=True)))
    return None

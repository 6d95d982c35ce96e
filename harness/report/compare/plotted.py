"""The data of pictures, which the matplotlib figures and the pages' SVG charts share."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.stats.cells import AVERAGE, Cell, Column, Comparison
from harness.stats.clusters import cluster_means
from harness.stats.intervals import mean_intervals
from harness.stats.records import Interval
from harness.storage.result import SuiteResult


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One checkpoint in a forest plot, in the unit that is shown.

    `bounds` are the ends of the 95 % interval, None where it cannot be estimated. The mark's `kind`
    is the baseline, significantly different from it, or not.
    """

    cell: Cell
    value: float
    bounds: tuple[float, float] | None
    kind: Literal["base", "significant", "unclear"]


def forest_rows(
    comparison: Comparison, column: Column, *, deltas: bool = False
) -> Iterator[ForestRow]:
    """Yield a row for each checkpoint with a score, or with a difference from the baseline."""
    for cell in comparison.of_suite(column.suite):
        value, interval = cell.value, cell.interval
        if deltas:
            value = cell.delta.delta if cell.delta else None
            interval = cell.delta.interval if cell.delta else None
        if value is None:
            continue
        bounds = (column.scale * interval.low, column.scale * interval.high) if interval else None
        kind: Literal["significant", "unclear"] = "significant" if cell.significant else "unclear"
        base = cell.checkpoint == comparison.baseline and not deltas
        yield ForestRow(cell, column.scale * value, bounds, "base" if base else kind)


@dataclass(frozen=True, slots=True)
class Category:
    """A checkpoint on a part of a suite; no interval where samples do not say their part."""

    name: str
    value: float
    interval: Interval | None


def categories(score: SuiteResult) -> tuple[Category, ...]:
    """Return the categories in a suite's metrics, named `<category>/<headline>` there."""
    return tuple(
        Category(key.rpartition("/")[0], value, _interval(score, key))
        for key, value in score.metrics.items()
        if key.endswith(f"/{score.headline}")
    )


def _interval(score: SuiteResult, key: str) -> Interval | None:
    having = [sample for sample in score.samples if key in sample.metrics]
    if not having:
        return None
    means = cluster_means([s.metrics[key] for s in having], [s.id for s in having])
    graded = score.bounds != (0.0, 1.0)
    return mean_intervals([list(means.values())], 0, graded=graded)[0]


@dataclass(frozen=True, slots=True)
class Distances:
    """The scores of a suite, each with the same checkpoint's distance from the reference.

    `measure` is the distance on the suite's own prompts, or else the only distance. `pairs` maps
    checkpoints to score and distance, which both have a value.
    """

    column: Column
    measure: Column
    pairs: dict[str, tuple[Cell, Cell]]


def distances(comparison: Comparison, measures: Sequence[Column]) -> Iterator[Distances]:
    """Yield the suites with a distance; `measures` are the columns that hold distances."""
    for column in comparison.columns:
        if column.suite == AVERAGE or column in measures:
            continue
        own = [measure for measure in measures if measure.suite == f"kl:{column.suite}"]
        for measure in own[:1] or (measures if len(measures) == 1 else ()):
            pairs = {
                score.checkpoint: (score, far)
                for score in comparison.of_suite(column.suite)
                if (far := comparison.cell(score.checkpoint, measure.suite))
                and score.value is not None
                and far.value is not None
            }
            if pairs:
                yield Distances(column, measure, pairs)

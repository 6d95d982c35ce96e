"""The rows of a forest plot, shared by the matplotlib figures and the pages' SVG charts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from harness.stats.cells import Cell, Column, Comparison
from harness.stats.records import Interval


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One checkpoint in a forest plot, in the unit that is shown.

    Attributes:
        cell: of the checkpoint on the suite.
        value: the place of the mark.
        bounds: the ends of the 95 % interval; None where it cannot be estimated.
        kind: of the mark: the baseline, significantly different from it, or not.
    """

    cell: Cell
    value: float
    bounds: tuple[float, float] | None
    kind: Literal["base", "significant", "unclear"]


def score_rows(comparison: Comparison, column: Column) -> Iterator[ForestRow]:
    """Yield a row for each checkpoint that has a score."""
    for cell in comparison.of_suite(column.suite):
        if cell.value is not None:
            base = cell.checkpoint == comparison.baseline
            yield _row(column, cell, cell.value, cell.interval, base=base)


def difference_rows(comparison: Comparison, column: Column) -> Iterator[ForestRow]:
    """Yield a row for each checkpoint that has a difference from the baseline."""
    for cell in comparison.of_suite(column.suite):
        if cell.delta is not None:
            yield _row(column, cell, cell.delta.delta, cell.delta.interval, base=False)


def _row(
    column: Column, cell: Cell, value: float, interval: Interval | None, *, base: bool
) -> ForestRow:
    scale = column.scale
    bounds = (scale * interval.low, scale * interval.high) if interval else None
    kind: Literal["significant", "unclear"] = "significant" if cell.significant else "unclear"
    return ForestRow(cell, scale * value, bounds, "base" if base else kind)

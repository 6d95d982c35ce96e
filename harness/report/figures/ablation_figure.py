"""Scores over a training setting: checkpoints alike in everything but that setting and the seed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.report.figures.drawing import GREY, Look, draw_panels, grid, looks_of
from harness.stats.cells import AVERAGE, Cell, Column, Comparison
from harness.storage.result import Result

#: Setting -> the label and the scale of its axis.
_AXES = {
    "responses": ("responses a prompt, K", "linear"),
    "beta": ("beta", "log"),
    "alpha": ("alpha", "log"),
}


@dataclass(frozen=True, slots=True)
class Point:
    """A value of the setting, with the cells of all seeds that were trained with it."""

    at: float
    cells: tuple[Cell, ...]

    @property
    def value(self) -> float:
        """Return the mean over seeds."""
        return sum(cell.value or 0.0 for cell in self.cells) / len(self.cells)

    @property
    def bounds(self) -> tuple[float, float]:
        """Return the interval of a single seed, or the extremes of several seeds."""
        own = [cell.value or 0.0 for cell in self.cells]
        interval = self.cells[0].interval
        if len(own) == 1 and interval:
            return interval.low, interval.high
        return min(own), max(own)


@dataclass(frozen=True, slots=True)
class Line:
    """A suite's scores over the values of one setting, with all other settings equal."""

    label: str
    points: tuple[Point, ...]


def ablation(result: Result, comparison: Comparison, setting: str, suite: str) -> tuple[Line, ...]:
    """Return one line for each set of checkpoints that differ in the setting alone.

    A line is named by its method; lines that share a method by their first checkpoints. `setting`
    is a numeric key of the training config, which the result records: `beta`, `alpha`, `responses`.
    """
    groups: dict[str, dict[float, list[Cell]]] = {}
    for checkpoint in result.checkpoints:
        train = checkpoint.train or {}
        cell = comparison.cell(checkpoint.name, suite)
        if train.get(setting) is not None and cell is not None and cell.value is not None:
            rest = {key: value for key, value in train.items() if key not in (setting, "seed")}
            by_value = groups.setdefault(json.dumps(rest, sort_keys=True), {})
            by_value.setdefault(float(train[setting]), []).append(cell)
    varied = [by_value for by_value in groups.values() if len(by_value) > 1]
    names = [next(iter(by_value.values()))[0].checkpoint for by_value in varied]
    methods = [str((result.checkpoint(name).train or {}).get("method", name)) for name in names]
    return tuple(
        Line(
            method if methods.count(method) == 1 else name,
            tuple(Point(at, tuple(cells)) for at, cells in sorted(by_value.items())),
        )
        for by_value, name, method in zip(varied, names, methods, strict=True)
    )


def draw_ablation(
    result: Result, comparison: Comparison, stem: Path, settings: Sequence[str]
) -> tuple[Path, ...]:
    """Draw scores over settings: a panel a suite and setting, a line a method, 95 % bars.

    Where several seeds were trained a point is their mean and a bar runs from the smallest to the
    largest. The baseline is a dotted line. No file is written where no setting was varied with all
    others equal.
    """
    panels = [
        (column, setting, lines)
        for column in comparison.columns
        if column.suite != AVERAGE
        for setting in settings
        if (lines := ablation(result, comparison, setting, column.suite))
    ]
    looks = looks_of(dict.fromkeys(line.label for _, _, lines in panels for line in lines))

    def draw(axes: Any, panel: tuple[Column, str, Sequence[Line]]) -> None:
        column, setting, lines = panel
        label, scale = _AXES[setting]
        ticks = sorted({point.at for line in lines for point in line.points})
        # No logarithm of zero: alpha 0 stands for hard labels.
        scale = scale if ticks[0] > 0 else "linear"
        for number, line in enumerate(lines):
            place = number - (len(lines) - 1) / 2
            at = [_beside(point.at, place, ticks, scale) for point in line.points]
            _line(axes, column, line, at, looks[line.label])
        axes.set(xlabel=label, ylabel=column.measure, xscale=scale)
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.set_title(column.suite, loc="left")
        grid(axes, "y")
        base = comparison.cell(comparison.baseline, column.suite)
        if base is not None and base.value is not None:
            value = column.scale * base.value
            axes.axhline(value, color=GREY, linewidth=1.2, linestyle=":", label=base.checkpoint)

    return draw_panels(stem, panels, draw, (3.0, 3.0), sharey=False)


def _line(axes: Any, column: Column, line: Line, at: Sequence[float], look: Look) -> None:
    colour, marker, style = look
    values = [column.scale * point.value for point in line.points]
    bars = [[column.scale * bound for bound in point.bounds] for point in line.points]
    below = [value - low for value, (low, _) in zip(values, bars, strict=True)]
    above = [high - value for value, (_, high) in zip(values, bars, strict=True)]
    axes.errorbar(
        at, values, yerr=[below, above], color=colour, marker=marker, linestyle=style,
        markersize=6, linewidth=1.5, elinewidth=1.1, capsize=2.5, label=line.label,
    )  # fmt: skip


def _beside(at: float, place: float, ticks: Sequence[float], scale: str) -> float:
    """Return a place beside a tick, so that no bar hides another; a single tick stays."""
    if len(ticks) < 2:
        return at
    share = 0.025 * place
    if scale == "log":
        return float(at * (ticks[-1] / ticks[0]) ** share)
    return at + share * (ticks[-1] - ticks[0])

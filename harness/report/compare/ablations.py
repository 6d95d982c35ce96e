"""Scores over a training setting: checkpoints alike in everything but that setting and the seed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.stats.cells import Cell, Comparison
from harness.storage.result import CheckpointResult, Result


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

    Args:
        result: its checkpoints record their training settings.
        comparison: of the same result.
        setting: a numeric key of the training config: `beta`, `alpha`, `responses`.
        suite: a column of the comparison.
    """
    groups: dict[str, list[CheckpointResult]] = {}
    for checkpoint in result.checkpoints:
        train = checkpoint.train or {}
        cell = comparison.cell(checkpoint.name, suite)
        if train.get(setting) is not None and cell is not None and cell.value is not None:
            groups.setdefault(_rest(train, setting), []).append(checkpoint)
    lines = (_line(members, comparison, setting, suite) for members in groups.values())
    varied = [
        (line, members[0])
        for line, members in zip(lines, groups.values(), strict=True)
        if len(line.points) > 1
    ]
    return tuple(_labelled(varied))


def _rest(train: Mapping[str, Any], setting: str) -> str:
    kept = {key: value for key, value in train.items() if key not in (setting, "seed")}
    return json.dumps(kept, sort_keys=True)


def _line(
    members: Sequence[CheckpointResult], comparison: Comparison, setting: str, suite: str
) -> Line:
    by_value: dict[float, list[Cell]] = {}
    for checkpoint in members:
        if checkpoint.train and (cell := comparison.cell(checkpoint.name, suite)):
            by_value.setdefault(float(checkpoint.train[setting]), []).append(cell)
    points = tuple(Point(at, tuple(cells)) for at, cells in sorted(by_value.items()))
    return Line(str((members[0].train or {}).get("method", members[0].name)), points)


def _labelled(varied: Sequence[tuple[Line, CheckpointResult]]) -> Iterator[Line]:
    """Yield lines named by their methods; lines that share a method by a checkpoint."""
    methods = [line.label for line, _ in varied]
    for line, checkpoint in varied:
        alone = methods.count(line.label) == 1
        yield line if alone else Line(checkpoint.name, line.points)

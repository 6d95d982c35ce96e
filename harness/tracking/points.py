"""The numbers of a run as points of metrics: scores of a checkpoint and training curves."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

from harness.stats.cells import AVERAGE, Cell
from harness.storage.result import CheckpointResult
from harness.tracking.records import Data, Point, metric_name


def scores(checkpoint: CheckpointResult, cells: Sequence[Cell]) -> tuple[Point, ...]:
    """Return `eval/<suite>` with `.low` and `.high` (95 %), details as `<suite>/<detail>`."""
    return _sendable(point for cell in cells for point in _of_cell(checkpoint, cell))


def headlines(cells: Iterable[Cell]) -> tuple[Point, ...]:
    """Return all headlines for one run, as `eval/<suite>/<checkpoint>`."""
    return _sendable(
        Point(metric_name(f"eval/{cell.suite}/{cell.checkpoint}"), cell.value)
        for cell in cells
        if cell.value is not None
    )


def curves(lines: Sequence[Mapping[str, Any]]) -> tuple[Point, ...]:
    """Return the lines of a steps.jsonl as `train/...` and `probe/...` at their training steps."""
    return _sendable(
        Point(metric_name(f"{line['split']}/{name}"), value, line["step"])
        for line in lines
        if isinstance(line.get("step"), int) and isinstance(line.get("split"), str)
        for name, value in _numbers(line)
    )


def suite_data(checkpoint: CheckpointResult) -> dict[str, Data]:
    """Return the prompts of each suite as data, with their digest."""
    return {
        name: Data(name, score.protocol["prompts"], "evaluation")
        for name, score in checkpoint.suites.items()
        if score.protocol.get("prompts")
    }


def _sendable(points: Iterator[Point]) -> tuple[Point, ...]:
    """Leave out values that are not finite: a store would keep infinity as a large number."""
    return tuple({(p.name, p.step): p for p in points if isfinite(p.value)}.values())


def _of_cell(checkpoint: CheckpointResult, cell: Cell) -> Iterator[Point]:
    data = suite_data(checkpoint).get(cell.suite)
    details = _details(cell)
    if cell.suite != AVERAGE:
        details |= checkpoint.suites[cell.suite].metrics
    headline = {f"eval/{cell.suite}": cell.value}
    if cell.interval:
        headline[f"eval/{cell.suite}.low"] = cell.interval.low
        headline[f"eval/{cell.suite}.high"] = cell.interval.high
    named = headline | {f"{cell.suite}/{name}": value for name, value in details.items()}
    for name, value in named.items():
        if value is not None:
            yield Point(metric_name(name), float(value), data=data)


def _details(cell: Cell) -> dict[str, float | None]:
    details: dict[str, float | None]
    details = {"n": cell.n, "total": cell.total, "tokens": cell.tokens, "p_holm": cell.p_holm}
    details |= {f"status_{status}": count for status, count in cell.statuses.items()}
    if cell.delta:
        details["delta"] = cell.delta.delta
        if bounds := cell.delta.interval:
            details |= {"delta_low": bounds.low, "delta_high": bounds.high}
    return details


def _numbers(line: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield the numbers of a record; a list holds one number a rank, best first, from rank 1."""
    for key, value in line.items():
        if isinstance(value, list):
            yield from _numbers({f"{key}_{rank}": item for rank, item in enumerate(value, 1)})
        elif isinstance(value, int | float) and not isinstance(value, bool) and key != "step":
            yield key, float(value)

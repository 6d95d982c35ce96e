"""The data of a specification's table and pictures: its result files, arranged."""

from dataclasses import dataclass, replace
from pathlib import Path

from harness.report.compare import trends as curves
from harness.report.compare.comparison import compare
from harness.report.compare.together import merged
from harness.report.tables.arrange import arranged, ordered, require_known
from harness.report.tables.specification import Specification
from harness.stats.cells import Comparison
from harness.storage.result import Result, read_result


@dataclass(frozen=True, slots=True)
class Material:
    """A result with its rows and columns chosen, and the comparison if it has any scores."""

    result: Result
    comparison: Comparison | None
    trends: tuple[curves.Trend, ...] = ()


def material(wanted: Specification, home: Path) -> Material:
    """Read and arrange the results of a specification; files lie under `home`.

    Raises:
        RunError: a file, row or column is not there, or scores must not be compared.
    """
    result = merged([read_result(home / run) for run in wanted.runs])
    if wanted.kind == "trends":
        return Material(result, None, _trends(result, wanted))
    baseline = wanted.baseline or result.baseline
    result = arranged(result.model_copy(update={"baseline": baseline}), wanted.rows, wanted.columns)
    if not any(checkpoint.suites for checkpoint in result.checkpoints):
        return Material(result, None)
    comparison = compare(
        result,
        result.baseline,
        allow_missing=wanted.allow_missing,
        allow_mismatch=wanted.allow_mismatch,
    )
    return Material(result, ordered(comparison, wanted.sort))


def _trends(result: Result, wanted: Specification) -> tuple[curves.Trend, ...]:
    """Return the chosen curves in their order; all of them where none is chosen."""
    curves_by_label = {curve.label: curve for curve in curves.trends(result)}
    require_known("objective", wanted.rows, curves_by_label)
    kept = {name: curves_by_label[name] for name in wanted.rows} or curves_by_label
    return tuple(replace(curve, label=wanted.rows.get(name, name)) for name, curve in kept.items())

"""What a specification's table and pictures are made of: its result files, arranged."""

from dataclasses import dataclass, replace
from pathlib import Path

from harness.compare import trends as curves
from harness.compare.cells import Comparison
from harness.compare.comparison import compare
from harness.compare.together import merged
from harness.result import Result, read_result
from harness.tables.arrange import arranged, ordered, require_known
from harness.tables.specification import Specification


@dataclass(frozen=True, slots=True)
class Material:
    """A result with its rows and columns chosen, and the comparison if it has any scores."""

    result: Result
    comparison: Comparison | None
    trends: tuple[curves.Trend, ...] = ()


def material(wanted: Specification, home: Path) -> Material:
    """Read and arrange what a specification names; files lie under `home`.

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
    """The curves that are named, in their order; all of them where none is."""
    found = {one.label: one for one in curves.trends(result)}
    require_known("objective", wanted.rows, found)
    kept = {name: found[name] for name in wanted.rows} or found
    return tuple(replace(one, label=wanted.rows.get(name, name)) for name, one in kept.items())

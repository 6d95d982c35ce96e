"""Rows and columns chosen, renamed and sorted, before anything is compared.

Names are changed in the result itself, so that notes, verdicts and pictures say the same; and
p-values are corrected for the differences that are shown, not for those left out.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from harness.errors import RunError
from harness.report.tables.specification import Sort
from harness.stats.cells import Comparison
from harness.storage.result import Result


def arranged(result: Result, rows: Mapping[str, str], columns: Mapping[str, str]) -> Result:
    """Return the result with the chosen rows and columns, in this order and renamed.

    Args:
        result: the result to arrange.
        rows: checkpoint -> label; empty for all as they are. The baseline is renamed too.
        columns: suite -> label, likewise.

    Raises:
        RunError: there is no such checkpoint or suite (the message lists those there are), or two
            have one label.
    """
    require_known("checkpoint", rows, [c.name for c in result.checkpoints])
    require_known("suite", columns, result.suites)
    for labels in (rows, columns):
        if twice := [label for label, n in Counter(labels.values()).items() if n > 1]:
            raise RunError(f"two rows or columns are called {twice[0]!r}: give each its own label")
    checkpoints = tuple(
        checkpoint.model_copy(
            update={
                "name": rows.get(checkpoint.name, checkpoint.name),
                "suites": {
                    label: checkpoint.suites[suite].model_copy(update={"suite": label})
                    for suite, label in (columns or {s: s for s in checkpoint.suites}).items()
                    if suite in checkpoint.suites
                },
            }
        )
        for checkpoint in [result.checkpoint(name) for name in rows] or result.checkpoints
    )
    baseline = rows.get(result.baseline, result.baseline)
    return result.model_copy(update={"checkpoints": checkpoints, "baseline": baseline})


def ordered(comparison: Comparison, sort: Sort | None) -> Comparison:
    """Return the comparison with its rows sorted by a column.

    Raises:
        RunError: there is no such column.
    """
    if sort is None:
        return comparison
    require_known("column", [sort.by], [column.suite for column in comparison.columns])
    sign = -1 if sort.order == "descending" else 1

    def place(name: str) -> tuple[bool, float]:
        cell = comparison.cell(name, sort.by)
        value = None if cell is None else cell.value
        return value is None, sign * (value or 0.0)

    return replace(comparison, checkpoints=tuple(sorted(comparison.checkpoints, key=place)))


def require_known(kind: str, names: Iterable[str], there: Iterable[str]) -> None:
    """Refuse a name that does not exist.

    Raises:
        RunError: the message lists those there are.
    """
    present = dict.fromkeys(there)
    for name in names:
        if name not in present:
            raise RunError(f"no {kind} {name!r}: there are {', '.join(present)}")

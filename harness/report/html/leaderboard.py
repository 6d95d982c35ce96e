"""The leaderboard: the scores of all checkpoints, and the differences from each baseline.

Differences are computed here for every selectable baseline, each with its own correction; the
page only shows them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.report.compare.comparison import compare_all
from harness.report.compare.verdict import verdict
from harness.report.page.text import visible
from harness.report.tables.score_table import (
    comparison_table,
    difference_text,
    failures,
    score_text,
)
from harness.report.tables.table import NONE
from harness.stats.cells import AVERAGE, Cell, Column, Comparison
from harness.stats.series import values
from harness.storage.result import Result

#: Most checkpoints that can be selected as the baseline: each needs its own comparison.
MOST_BASELINES = 12


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a report, which are those of `nca compare`."""

    baseline: str | None = None
    allow_missing: bool = False
    allow_mismatch: bool = False


def baselines_of(result: Result, first: str) -> list[str]:
    """Return the checkpoints that can be chosen as the baseline, in their order after `first`."""
    names = dict.fromkeys([first, *(checkpoint.name for checkpoint in result.checkpoints)])
    return list(names)[:MOST_BASELINES]


def compare_baselines(
    result: Result, options: Options, compared: Mapping[str, Comparison] | None = None
) -> dict[str, Comparison]:
    """Compare with every baseline, at most `MOST_BASELINES` of them, the requested one first.

    Args:
        result: the result to show.
        options: the options of the report.
        compared: baseline -> comparison, if already computed.

    Raises:
        RunError: the baseline does not exist, or the scores must not be compared.
    """
    baselines = baselines_of(result, visible(options.baseline or result.baseline))
    result.checkpoint(baselines[0])
    if compared is None or not compared.keys() >= set(baselines):
        compared = compare_all(
            result,
            baselines,
            allow_missing=options.allow_missing,
            allow_mismatch=options.allow_mismatch,
        )
    return {name: compared[name] for name in baselines}


def rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Return the rows of the table, which are equal for every baseline."""
    return [
        {
            "name": name,
            "cells": [_shown(column, cell) for column, cell in _row(comparison, name)],
        }
        for name in comparison.checkpoints
    ]


def _row(comparison: Comparison, name: str) -> Iterator[tuple[Column, Cell | None]]:
    yield from zip(comparison.columns, comparison.row(name), strict=True)


def _shown(column: Column, cell: Cell | None) -> dict[str, Any]:
    return {
        "suite": column.suite,
        "ranked": column.ranked,
        "text": score_text(column, cell),
        "value": None if cell is None else cell.value,
        "about": [] if cell is None or column.suite == AVERAGE else _about(cell),
    }


def _about(cell: Cell) -> list[str]:
    """Return the lines below a score: samples, tokens per answer, and failures."""
    tokens = "" if cell.tokens is None else f" · {cell.tokens:.0f} tokens"
    return [part for part in (f"n {cell.n:,}{tokens}", failures(cell)) if part]


def describe_differences(comparisons: Mapping[str, Comparison], result: Result) -> dict[str, Any]:
    """Return the verdict, warnings, notes and cells for each baseline.

    A cell is None or holds the difference as text, its significance (`told`), and the numbers of
    samples on which the checkpoint scores above and below the baseline (None for an average).
    """
    by_cell = {
        (c.name, suite): values(score)
        for c in result.checkpoints
        for suite, score in c.suites.items()
    }
    return {
        name: {
            "verdict": verdict(comparison),
            "warnings": list(comparison.warnings),
            "notes": _other_notes(comparison),
            "cells": {
                row: [
                    _difference(column, cell, name, by_cell)
                    for column, cell in _row(comparison, row)
                ]
                for row in comparison.checkpoints
            },
        }
        for name, comparison in comparisons.items()
    }


def _other_notes(comparison: Comparison) -> list[str]:
    """Return the notes of the table without those that the page shows elsewhere."""
    return list(comparison_table(comparison).notes[1 + len(comparison.warnings) :])


def _difference(
    column: Column,
    cell: Cell | None,
    baseline: str,
    by_cell: Mapping[tuple[str, str], Mapping[str, float]],
) -> dict[str, Any] | None:
    text = difference_text(column, cell)
    if cell is None or cell.checkpoint == baseline or text == NONE:
        return None
    own, theirs = (
        by_cell.get((cell.checkpoint, column.suite)),
        by_cell.get((baseline, column.suite)),
    )
    counts = None if own is None or theirs is None else above_and_below(own, theirs)
    return {"text": text, "told": cell.significant, "counts": counts}


def above_and_below(own: Mapping[str, float], theirs: Mapping[str, float]) -> list[int]:
    """Count the shared samples on which the first scores above the second, and below it."""
    shared = own.keys() & theirs.keys()
    above = sum(own[sample] > theirs[sample] for sample in shared)
    return [above, sum(own[sample] < theirs[sample] for sample in shared)]

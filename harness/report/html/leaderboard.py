"""The leaderboard: the scores of all checkpoints, and the differences from each baseline.

Differences are computed here for every selectable baseline, each with its own correction; the
page only shows them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.report.compare.comparison import compare_all
from harness.report.compare.verdict import verdict
from harness.report.page.text import visible
from harness.report.tables.score_table import comparison_table, difference_text
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

    Nothing is computed if `compared` holds all of these comparisons.

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


def describe_differences(comparisons: Mapping[str, Comparison], result: Result) -> dict[str, Any]:
    """Return the verdict, warnings, notes and cells for each baseline.

    A cell is None or holds the difference as text, its significance (`told`), and the numbers of
    samples on which the checkpoint scores above and below the baseline (None for an average).
    """
    by_cell = {
        (name, suite): values(score)
        for suite in result.suites
        for name, score in result.of_suite(suite).items()
    }
    described = {}
    for name, comparison in comparisons.items():
        rows = {row: comparison.row(row) for row in comparison.checkpoints}
        # The first notes of the table are the verdict and the warnings.
        notes = comparison_table(comparison).notes[1 + len(comparison.warnings) :]
        described[name] = {
            "verdict": verdict(comparison),
            "warnings": list(comparison.warnings),
            "notes": list(notes),
            "cells": {row: [_difference(*c, name, by_cell) for c in rows[row]] for row in rows},
        }
    return described


def _difference(
    column: Column,
    cell: Cell | None,
    baseline: str,
    by_cell: Mapping[tuple[str, str], Mapping[str, float]],
) -> dict[str, Any] | None:
    text = difference_text(column, cell)
    if cell is None or cell.checkpoint == baseline or text == NONE:
        return None
    counts = None
    if column.suite != AVERAGE:
        own, theirs = (by_cell[name, column.suite] for name in (cell.checkpoint, baseline))
        counts = above_and_below(own, theirs)
    return {"text": text, "told": cell.significant, "counts": counts}


def above_and_below(own: Mapping[str, float], theirs: Mapping[str, float]) -> list[int]:
    """Count the shared samples on which the first scores above the second, and below it."""
    shared = own.keys() & theirs.keys()
    above = sum(own[sample] > theirs[sample] for sample in shared)
    return [above, sum(own[sample] < theirs[sample] for sample in shared)]

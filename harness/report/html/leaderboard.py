"""The leaderboard: scores of all checkpoints, and for each baseline how the others differ from it.

Differences are computed here for every baseline that can be chosen, each with its own correction;
the page only shows them.
"""

from collections.abc import Iterator, Mapping, Sequence
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

#: Checkpoints that can be chosen as the baseline, at most: each needs a comparison of its own.
MOST_BASELINES = 12


@dataclass(frozen=True, slots=True)
class Options:
    """What a report may be asked for, as `nca compare` is."""

    baseline: str | None = None
    allow_missing: bool = False
    allow_mismatch: bool = False


@dataclass(frozen=True, slots=True)
class Standings:
    """Comparisons by baseline, the first of them the one that is shown first."""

    by_baseline: Mapping[str, Comparison]
    checkpoints: int

    @property
    def first(self) -> Comparison:
        """The comparison with the baseline that was asked for."""
        return next(iter(self.by_baseline.values()))


def baselines_of(result: Result, first: str) -> list[str]:
    """Return the checkpoints that can be chosen as the baseline, in their order after `first`."""
    names = dict.fromkeys([first, *(checkpoint.name for checkpoint in result.checkpoints)])
    return list(names)[:MOST_BASELINES]


def standings(
    result: Result, options: Options, compared: Mapping[str, Comparison] | None = None
) -> Standings:
    """Compare with every baseline, at most `MOST_BASELINES` of them.

    Args:
        result: to be shown.
        options: of the report.
        compared: baseline -> comparison, where they were made before.

    Raises:
        RunError: no such baseline, or scores that must not be compared.
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
    return Standings({name: compared[name] for name in baselines}, len(result.checkpoints))


def rows(comparison: Comparison) -> list[dict[str, Any]]:
    """What the table shows of each checkpoint whatever the baseline is."""
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
    """What stands under a score: samples and tokens an answer, then what went wrong."""
    tokens = "" if cell.tokens is None else f" · {cell.tokens:.0f} tokens"
    return [part for part in (f"n {cell.n:,}{tokens}", failures(cell)) if part]


def against(found: Standings, result: Result) -> dict[str, Any]:
    """Baseline -> what is said of the others: verdict, warnings, notes, and a cell each.

    A cell is None, or the difference as text, whether it can be told apart from zero, and on how
    many samples the checkpoint is above, and below, the baseline (None for an average).
    """
    known = {
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
                row: [_against(column, cell, name, known) for column, cell in _row(comparison, row)]
                for row in comparison.checkpoints
            },
        }
        for name, comparison in found.by_baseline.items()
    }


def _other_notes(comparison: Comparison) -> list[str]:
    """The table's notes without those that the page says in places of their own."""
    return list(comparison_table(comparison).notes[1 + len(comparison.warnings) :])


def _against(
    column: Column,
    cell: Cell | None,
    baseline: str,
    known: Mapping[tuple[str, str], Mapping[str, float]],
) -> dict[str, Any] | None:
    text = difference_text(column, cell)
    if cell is None or cell.checkpoint == baseline or text == NONE:
        return None
    own, theirs = known.get((cell.checkpoint, column.suite)), known.get((baseline, column.suite))
    counts = None if own is None or theirs is None else above_and_below(own, theirs)
    return {"text": text, "told": cell.significant, "counts": counts}


def above_and_below(own: Mapping[str, float], theirs: Mapping[str, float]) -> list[int]:
    """On how many samples that both have the first is above the second, and below it."""
    shared = own.keys() & theirs.keys()
    above = sum(own[sample] > theirs[sample] for sample in shared)
    return [above, sum(own[sample] < theirs[sample] for sample in shared)]


def right_or_wrong(column: Column, scores: Sequence[Mapping[str, float]]) -> bool:
    """Whether a suite's samples are right or wrong, and nothing between."""
    return column.fraction and all(v in (0.0, 1.0) for found in scores for v in found.values())

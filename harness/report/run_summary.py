"""The end of a run: its tables on the screen and, with the figures, beside its result."""

from dataclasses import replace
from pathlib import Path

from rich.console import Console

from harness.report.compare.comparison import compare
from harness.report.compare.likelihood import likelihood
from harness.report.figures.figures import draw_likelihood, draw_scores
from harness.report.tables.formats import FORMATS
from harness.report.tables.likelihood_table import likelihood_table
from harness.report.tables.score_table import comparison_table
from harness.report.tables.table import Table, terminal
from harness.stats.cells import Comparison
from harness.storage.atomic_files import write_text
from harness.storage.result import Result


def tables(result: Result, title: str | None = None) -> dict[str, Table]:
    """The tables that a result has something for, by file stem."""
    return _tables(result, _comparison(result), title)


def _comparison(result: Result) -> Comparison | None:
    """With the result's own baseline; None where nothing was evaluated."""
    if not any(checkpoint.suites for checkpoint in result.checkpoints):
        return None
    return compare(result, result.baseline)


def _tables(result: Result, comparison: Comparison | None, title: str | None) -> dict[str, Table]:
    tables: dict[str, Table] = {}
    if comparison is not None:
        table = comparison_table(comparison)
        tables["table"] = replace(table, title=title) if title else table
    if rows := likelihood(result):
        tables["likelihood"] = likelihood_table(rows)
    return tables


def keep(result: Result, folder: Path, title: str | None = None) -> None:
    """Write the tables (Markdown, LaTeX, CSV) and pictures that a result has into a run folder."""
    comparison = _comparison(result)
    for stem, table in _tables(result, comparison, title).items():
        for name in ("markdown", "latex", "csv"):
            write_text(folder / f"{stem}.{FORMATS[name].ending}", FORMATS[name].write(table))
    if comparison is not None:
        draw_scores(comparison, folder / "figures" / "scores")
    draw_likelihood(result, folder / "figures" / "likelihood")


def show(result: Result, console: Console, title: str | None = None) -> None:
    """Print the tables that a result has."""
    for table in tables(result, title).values():
        console.print(terminal(table, console.width))

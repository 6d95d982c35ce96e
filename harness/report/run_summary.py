"""The end of a run: its tables on the screen and, with the figures, beside its result."""

from dataclasses import replace
from pathlib import Path

from rich.console import Console

from harness.report.compare.likelihood import likelihood
from harness.report.figures.forest_figure import draw_scores
from harness.report.figures.likelihood_figure import draw_likelihood
from harness.report.tables.formats import ENDINGS, FORMATS
from harness.report.tables.likelihood_table import likelihood_table
from harness.report.tables.score_table import comparison_table
from harness.report.tables.table import Table, terminal
from harness.stats.cells import Comparison
from harness.storage.atomic_files import write_text
from harness.storage.result import Result


def tables(
    result: Result, comparison: Comparison | None, title: str | None = None
) -> dict[str, Table]:
    """Return the tables of a run by file stem; `title` is that of the scores, if there are any."""
    by_stem: dict[str, Table] = {}
    if comparison is not None:
        table = comparison_table(comparison)
        by_stem["table"] = replace(table, title=title) if title else table
    if rows := likelihood(result):
        by_stem["likelihood"] = likelihood_table(rows)
    return by_stem


def keep(
    result: Result, comparison: Comparison | None, folder: Path, title: str | None = None
) -> None:
    """Write the tables (Markdown, LaTeX, CSV) and figures of a run into its folder."""
    for stem, table in tables(result, comparison, title).items():
        for name in ("markdown", "latex", "csv"):
            write_text(folder / f"{stem}.{ENDINGS[name]}", FORMATS[name](table))
    if comparison is not None:
        draw_scores(comparison, folder / "figures" / "scores")
    draw_likelihood(result, folder / "figures" / "likelihood")


def show(
    result: Result, comparison: Comparison | None, console: Console, title: str | None = None
) -> None:
    """Print the tables of a run."""
    for table in tables(result, comparison, title).values():
        console.print(terminal(table, console.width))

"""The end of a run: its tables on the screen and, with the figures, beside its result."""

from dataclasses import replace
from pathlib import Path

from rich.console import Console

from harness.compare.comparison import compare
from harness.compare.figures import draw_likelihood, draw_scores
from harness.compare.formats import FORMATS
from harness.compare.likelihood import likelihood
from harness.compare.likelihood_show import likelihood_table
from harness.compare.score_table import comparison_table
from harness.compare.tables import Table, terminal
from harness.result import Result
from harness.runs import write_text


def tables(result: Result, title: str | None = None) -> dict[str, Table]:
    """The tables that a result has something for, by file stem."""
    found: dict[str, Table] = {}
    if any(checkpoint.suites for checkpoint in result.checkpoints):
        table = comparison_table(compare(result, result.baseline))
        found["table"] = replace(table, title=title) if title else table
    if rows := likelihood(result):
        found["likelihood"] = likelihood_table(rows)
    return found


def keep(result: Result, folder: Path, title: str | None = None) -> None:
    """Write the tables (Markdown, LaTeX, CSV) and pictures that a result has into a run folder."""
    for stem, table in tables(result, title).items():
        for name in ("markdown", "latex", "csv"):
            write_text(folder / f"{stem}.{FORMATS[name].ending}", FORMATS[name].write(table))
    if any(checkpoint.suites for checkpoint in result.checkpoints):
        draw_scores(compare(result, result.baseline), folder / "figures" / "scores")
    draw_likelihood(result, folder / "figures" / "likelihood")


def show(result: Result, console: Console, title: str | None = None) -> None:
    """Print the tables that a result has."""
    for table in tables(result, title).values():
        console.print(terminal(table, console.width))

"""The end of a run: its tables on the screen and, with the figures, beside its result."""

from dataclasses import replace
from pathlib import Path

from rich.console import Console

from harness.compare import compare
from harness.figures import draw_likelihood, draw_scores
from harness.likelihood import likelihood
from harness.result import Result
from harness.runs import write_text
from harness.tables import Table, comparison_table, likelihood_table, markdown, terminal, to_csv


def tables(result: Result, title: str | None = None) -> dict[str, Table]:
    """The tables that a result has something for, by file stem."""
    found: dict[str, Table] = {}
    if any(checkpoint.suites for checkpoint in result.checkpoints):
        table = comparison_table(compare(result, result.baseline))
        found["table"] = replace(table, title=title) if title else table
    if rows := likelihood(result):
        found["likelihood"] = likelihood_table(rows)
    return found


def show(result: Result, folder: Path, console: Console, title: str | None = None) -> None:
    """Print what a result has, and write the same as Markdown, CSV and pictures.

    `folder` is the run folder.
    """
    for stem, table in tables(result, title).items():
        console.print(terminal(table))
        write_text(folder / f"{stem}.md", markdown(table))
        write_text(folder / f"{stem}.csv", to_csv(table))
    draw(result, folder / "figures")


def draw(result: Result, folder: Path) -> None:
    """The pictures that a result has data for."""
    if any(checkpoint.suites for checkpoint in result.checkpoints):
        draw_scores(compare(result, result.baseline), folder / "scores")
    draw_likelihood(result, folder / "likelihood")

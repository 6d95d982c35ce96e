"""The end of a run: its tables on the screen and, with the figures, beside its result."""

from pathlib import Path

from rich.console import Console

from harness.compare import compare, likelihoods, verdict
from harness.figures import draw_likelihoods, draw_scores
from harness.result import Result
from harness.runs import RunFolder, write_text
from harness.tables import Table, csv, likelihood_table, markdown, score_table, terminal


def tables(result: Result, title: str | None = None) -> list[tuple[str, Table]]:
    """The tables that a result has something for, by file stem."""
    found: list[tuple[str, Table]] = []
    if any(checkpoint.suites for checkpoint in result.checkpoints):
        found.append(("table", score_table(compare(result, result.baseline), title)))
    if any(checkpoint.probe for checkpoint in result.checkpoints):
        found.append(("likelihood", likelihood_table(likelihoods(result))))
    return found


def show(result: Result, folder: RunFolder, console: Console, title: str | None = None) -> None:
    """Print what a result has, and write the same as Markdown, CSV and pictures."""
    for stem, table in tables(result, title):
        console.print(terminal(table))
        write_text(folder.path / f"{stem}.md", markdown(table))
        write_text(folder.path / f"{stem}.csv", csv(table))
        if stem == "table":
            console.print(verdict(compare(result, result.baseline)), highlight=False)
    draw(result, folder.path / "figures")


def draw(result: Result, folder: Path) -> None:
    """The pictures that a result has data for."""
    if any(checkpoint.suites for checkpoint in result.checkpoints):
        draw_scores(compare(result, result.baseline), folder)
    if any(checkpoint.probe for checkpoint in result.checkpoints):
        draw_likelihoods(likelihoods(result), folder)

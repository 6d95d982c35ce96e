"""The commands that read finished runs: tables, pages, curves, exports, sample sizes."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from harness.cli import parse
from harness.errors import RecipeError, RunError
from harness.pipeline.places import Places
from harness.report.tables.table import Table, terminal
from harness.storage.atomic_files import write_text
from harness.storage.result import Result

if TYPE_CHECKING:
    from harness.report.html.leaderboard import Options
    from harness.stats.power.budget import Budget


def compare(runs: Sequence[str], format_: str, options: "Options", where: Places) -> None:
    """Print one table over finished runs.

    Raises:
        RecipeError: there is no such format.
        RunError: there is no such run, or scores must not be compared.
    """
    from harness.report.compare.comparison import compare as compare_result
    from harness.report.compare.together import merged
    from harness.report.tables.formats import FORMATS
    from harness.report.tables.score_table import comparison_table

    if format_ not in ("terminal", *FORMATS):
        formats = ", ".join(FORMATS)
        raise RecipeError(f"no table format is called {format_!r}: use terminal, {formats}")
    result = merged([result for _, result in _results(runs, where)])
    if not any(checkpoint.suites for checkpoint in result.checkpoints):
        raise RunError(
            f"{' '.join(runs)}: no checkpoint was evaluated on a suite (nca trends shows probes)"
        )
    comparison = compare_result(
        result,
        options.baseline or result.baseline,
        allow_missing=options.allow_missing,
        allow_mismatch=options.allow_mismatch,
    )
    table = comparison_table(comparison)
    if format_ == "terminal":
        print_table(table)
    else:
        print(FORMATS[format_].write(table), end="")


def report(runs: Sequence[str], out: Path, options: "Options", where: Places) -> None:
    """Write pages into a folder, and print the name of the first.

    Raises:
        RunError: a run, the baseline or the folder does not fit, or scores must not be compared.
    """
    from harness.report.html.build import build
    from harness.report.html.material import gather, source

    sources = [source(result, Path(name)) for name, result in _results(runs, where)]
    print(build(gather(sources), out, options))


def export(run_folder: Path, format_: str, out: Path, checkpoints: Sequence[str]) -> None:
    """Write a run's answers as files of other tools, and print a line for each file.

    Raises:
        RunError: the run, a checkpoint, the format or a log does not fit.
    """
    from harness.evaluate.answer_files.export import export as write_files

    for written in write_files(run_folder, format_, out, checkpoints):
        lost = f"; {written.lost} answers left out: they were lost (infra or filtered)"
        text = f"{written.file}: {written.suite}, {written.rows} rows"
        print(f"{text}{lost if written.lost else ''}")


def trends(runs: Sequence[str], baseline: str, out: Path, where: Places) -> None:
    """Print a table of curves for each run, and write it with pictures into a folder."""
    from harness.report.compare.likelihood import trends as trends_of
    from harness.report.figures.likelihood_figure import draw_trends
    from harness.report.tables.formats import markdown, to_csv
    from harness.report.tables.likelihood_table import trend_table

    for _, result in _results(runs, where):
        curves = trends_of(result)
        table = trend_table(curves, baseline, result.recipe)
        out.mkdir(parents=True, exist_ok=True)
        write_text(out / f"{result.recipe}.md", markdown(table))
        write_text(out / f"{result.recipe}.csv", to_csv(table))
        draw_trends(curves, out / "figures" / result.recipe)
        print_table(table)


def power(budget: "Budget", json_file: Path | None) -> None:
    """Print a short table of sample sizes, and write everything behind it to a file."""
    from harness.cli.power_summary import table, write_json

    print_table(table(budget))
    if json_file is not None:
        write_json(budget, json_file)


def print_table(table: Table) -> None:
    """Print a table as wide as the terminal."""
    console = Console()
    console.print(terminal(table, console.width))


def _results(runs: Sequence[str], where: Places) -> Iterator[tuple[str, Result]]:
    for name in runs:
        for result in parse.results(name, where.tracking_uri):
            yield name, result

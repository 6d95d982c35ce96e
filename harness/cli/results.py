"""Commands that read finished runs and files of answers: tables, curves, scores, exports."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, BadParameter, Option, Typer

from harness.cli import options
from harness.cli.options import RUNS, command

if TYPE_CHECKING:
    from harness.pipeline.places import Places
    from harness.report.tables.table import Table
    from harness.storage.result import Result

app = Typer()


def print_table(table: "Table") -> None:
    """Print a table as wide as the terminal."""
    from rich.console import Console

    from harness.report.tables.table import terminal

    console = Console()
    console.print(terminal(table, console.width))


def _results(runs: Sequence[str], where: "Places") -> Iterator[tuple[str, "Result"]]:
    from harness.cli.parse import results

    for name in runs:
        for result in results(name, where.tracking_uri):
            yield name, result


@command(app)
def compare(
    names: options.RunNames,
    *,
    baseline: Annotated[str | None, Option(help="Row that differences are taken to.")] = None,
    format_: Annotated[
        str, Option("--format", help="terminal, markdown, latex, csv, json or html.")
    ] = "terminal",
    allow_missing: options.AllowMissing = False,
    allow_mismatch: options.AllowMismatch = False,
    runs: options.Runs = RUNS,
    tracking: options.Tracking = None,
) -> None:
    """Put finished runs side by side, with intervals and paired differences."""
    from harness.errors import RecipeError, RunError
    from harness.report.compare.comparison import compare
    from harness.report.compare.together import merged
    from harness.report.tables.formats import FORMATS
    from harness.report.tables.score_table import comparison_table

    where = options.Folders(runs).places(tracking)
    if format_ not in ("terminal", *FORMATS):
        formats = ", ".join(FORMATS)
        raise RecipeError(f"no table format is called {format_!r}: use terminal, {formats}")
    result = merged([result for _, result in _results(names, where)])
    if not any(checkpoint.suites for checkpoint in result.checkpoints):
        raise RunError(
            f"{' '.join(names)}: no checkpoint was evaluated on a suite (nca trends shows probes)"
        )
    first = baseline or result.baseline
    comparison = compare(result, first, allow_missing=allow_missing, allow_mismatch=allow_mismatch)
    table = comparison_table(comparison)
    if format_ == "terminal":
        print_table(table)
    else:
        print(FORMATS[format_](table), end="")


@command(app)
def report(
    names: options.RunNames,
    *,
    out: Annotated[Path, Option("-o", "--out", help="Folder of the pages.")],
    baseline: Annotated[
        str | None, Option(help="Row that differences are taken to at first.")
    ] = None,
    allow_missing: options.AllowMissing = False,
    allow_mismatch: options.AllowMismatch = False,
    runs: options.Runs = RUNS,
    tracking: options.Tracking = None,
) -> None:
    """Write pages that open from disk: scores, charts, and every sample behind them."""
    from harness.report.html.build import build
    from harness.report.html.leaderboard import Options
    from harness.report.html.material import gather, source

    where = options.Folders(runs).places(tracking)
    sources = [source(result, Path(name)) for name, result in _results(names, where)]
    print(build(gather(sources), out, Options(baseline, allow_missing, allow_mismatch)))


@command(app)
def trends(
    names: options.RunNames,
    *,
    out: Annotated[Path, Option("-o", "--out", help="Folder for tables and pictures.")],
    baseline: Annotated[str, Option(help="Checkpoint whose last margin is the measure.")] = "dpo",
    runs: options.Runs = RUNS,
    tracking: options.Tracking = None,
) -> None:
    """Show how likelihoods of best and worst responses moved, over seeds and at equal margin."""
    from harness.report.compare.likelihood import trends as trends_of
    from harness.report.figures.likelihood_figure import draw_trends
    from harness.report.tables.formats import markdown, to_csv
    from harness.report.tables.likelihood_table import trend_table
    from harness.storage.atomic_files import write_text

    for _, result in _results(names, options.Folders(runs).places(tracking)):
        curves = trends_of(result)
        table = trend_table(curves, baseline, result.recipe)
        out.mkdir(parents=True, exist_ok=True)
        write_text(out / f"{result.recipe}.md", markdown(table))
        write_text(out / f"{result.recipe}.csv", to_csv(table))
        draw_trends(curves, out / "figures" / result.recipe)
        print_table(table)


@command(app)
def tables(
    folder: Annotated[
        Path, Argument(metavar="FOLDER", help="Folder of specifications (*.yaml).")
    ] = Path("results"),
    out: Annotated[
        Path | None, Option("-o", "--out", help="Folder of the files. Default: the same.")
    ] = None,
    quiet: Annotated[bool, Option("-q", "--quiet", help="Print no file names.")] = False,
) -> None:
    """Write every table and picture of a folder of results anew, from its specifications."""
    from harness.report.tables.build import build

    for _, _, files in build(folder, out or folder):
        if not quiet:
            print(*files, sep="\n")


@command(app)
def power(
    points: Annotated[float, Option(min=1e-6, help="Difference to detect, in percentage points.")],
    run: Annotated[
        str | None, Argument(metavar="RUN", help="Run folder, result file, mlflow:EXPERIMENT.")
    ] = None,
    suite: Annotated[str | None, Option(help="The suite, if it has several.")] = None,
    checkpoint: Annotated[
        str | None, Option(help="The checkpoint; NAME means all of NAME-seedN.")
    ] = None,
    baseline: Annotated[str | None, Option(help="The checkpoint that it is compared with.")] = None,
    accuracy: Annotated[float | None, Option(help="Without a run: the baseline's, 0 to 1.")] = None,
    discordant: Annotated[
        float | None, Option(help="Share of prompts that only one gets right, 0 to 1.")
    ] = None,
    correlation: Annotated[float | None, Option(help="Of the outcomes, in its place.")] = None,
    samples: Annotated[int | None, Option(min=1, help="Prompts at hand, without a run.")] = None,
    power_: Annotated[
        float, Option("--power", help="Probability to detect the difference, if it exists.")
    ] = 0.8,
    alpha: Annotated[float, Option(help="Probability to report one that does not exist.")] = 0.05,
    comparisons: Annotated[int, Option(min=1, help="Differences that the table will show.")] = 1,
    json_file: Annotated[
        Path | None, Option("--json", help="Also write everything behind the table here.")
    ] = None,
    runs: options.Runs = RUNS,
    tracking: options.Tracking = None,
) -> None:
    """Compute how many samples, repeats or seeds it takes to detect a difference."""
    from harness.cli import parse, power_summary
    from harness.report.compare.together import merged
    from harness.stats.power.budget import of_assumed, of_result, question
    from harness.storage.atomic_files import write_text

    difference = question(points, power_, alpha, comparisons)
    if run is None:
        budget = of_assumed(difference, (accuracy, discordant, correlation), samples)
    else:
        if any(figure is not None for figure in (accuracy, discordant, correlation, samples)):
            raise BadParameter("assumed figures and a RUN do not go together")
        uri = options.Folders(runs).places(tracking).tracking_uri
        budget = of_result(difference, merged(parse.results(run, uri)), suite, checkpoint, baseline)
    print_table(power_summary.table(budget))
    if json_file is not None:
        # All figures are in the unit of the values: fractions, not points.
        import json

        record = {**asdict(budget), "difference": budget.difference}
        write_text(json_file, json.dumps(record, indent=1, ensure_ascii=False) + "\n")


@command(app)
def score(
    suite: Annotated[str, Argument(help="A suite, as `nca suites` lists it.")],
    files: Annotated[
        list[str],
        Argument(
            metavar="FILE...",
            help="Answers (JSON lines), one model a file: FILE or NAME=FILE. A line has sample_id "
            "and completions, or task_id and completion or solution, or is a sample log's. "
            "Judged suites: FastChat's model_judgment, AlpacaEval's annotations.json.",
        ),
    ],
    *,
    also: Annotated[str | None, Option(help="evalplus: show where its executor differs.")] = None,
    json_file: Annotated[
        Path | None, Option("--json", help="Also write every sample's value here.")
    ] = None,
    allow_missing: Annotated[
        bool, Option("--allow-missing", help="Show scores with values missing, n of N.")
    ] = False,
    judge: options.JudgeFlags,
    folders: options.Folders,
    unsafe: options.Unsafe = False,
) -> None:
    """Score answers that were generated, or judged, elsewhere; only a judge needs an engine."""
    from harness.cli.score import score

    score(
        suite,
        files,
        folders.places(),
        judge.options.choice(),
        also=also,
        json_file=json_file,
        unsafe=unsafe,
        allow_missing=allow_missing,
    )


@command(app)
def export(
    run: Annotated[Path, Argument(help="A run folder.")],
    *,
    format_: Annotated[
        str, Option("--format", help="fastchat, alpaca_eval, humaneval or evalplus.")
    ],
    out: Annotated[Path, Option("-o", "--out", help="Folder of the files.")],
    checkpoints: Annotated[
        list[str] | None, Option("--checkpoint", help="Only this checkpoint. Repeatable.")
    ] = None,
) -> None:
    """Write a run's answers as the benchmarks' official tools read them."""
    from harness.evaluate.answer_files.export import export

    for written in export(run, format_, out, checkpoints or ()):
        lost = f"; {written.lost} answers left out: they were lost (infra or filtered)"
        text = f"{written.file}: {written.suite}, {written.rows} rows"
        print(f"{text}{lost if written.lost else ''}")

"""Commands that read finished runs and files of answers: tables, curves, scores, exports."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import (
    RUNS,
    AllowMismatchOption,
    AllowMissingOption,
    FolderOptions,
    JudgeFlags,
    RunNames,
    RunsOption,
    TrackingOption,
    UnsafeOption,
    command,
)

app = typer.Typer()


@command(app)
def compare(
    names: RunNames,
    *,
    baseline: Annotated[
        str | None, typer.Option("--baseline", help="Row that differences are taken to.")
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", help="terminal, markdown, latex, csv, json or html.")
    ] = "terminal",
    allow_missing: AllowMissingOption = False,
    allow_mismatch: AllowMismatchOption = False,
    runs: RunsOption = RUNS,
    tracking: TrackingOption = None,
) -> None:
    """Put finished runs side by side, with intervals and paired differences."""
    from harness.cli import reports
    from harness.report.html.leaderboard import Options

    options = Options(baseline, allow_missing, allow_mismatch)
    reports.compare(names, format_, options, FolderOptions(runs).places(tracking))


@command(app)
def report(
    names: RunNames,
    *,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the pages.")],
    baseline: Annotated[
        str | None, typer.Option("--baseline", help="Row that differences are taken to at first.")
    ] = None,
    allow_missing: AllowMissingOption = False,
    allow_mismatch: AllowMismatchOption = False,
    runs: RunsOption = RUNS,
    tracking: TrackingOption = None,
) -> None:
    """Write pages that open from disk: scores, charts, and every sample behind them."""
    from harness.cli import reports
    from harness.report.html.leaderboard import Options

    options = Options(baseline, allow_missing, allow_mismatch)
    reports.report(names, out, options, FolderOptions(runs).places(tracking))


@command(app)
def trends(
    names: RunNames,
    *,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for tables and pictures.")],
    baseline: Annotated[
        str, typer.Option("--baseline", help="Checkpoint whose last margin is the measure.")
    ] = "dpo",
    runs: RunsOption = RUNS,
    tracking: TrackingOption = None,
) -> None:
    """Show how likelihoods of best and worst responses moved, over seeds and at equal margin."""
    from harness.cli import reports

    reports.trends(names, baseline, out, FolderOptions(runs).places(tracking))


@command(app)
def tables(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder of specifications (*.yaml).")
    ] = Path("results"),
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Folder of the files. Default: the same.")
    ] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print no file names.")] = False,
) -> None:
    """Write every table and picture of a folder of results anew, from its specifications."""
    from harness.report.tables.build import build

    for _, _, files in build(folder, out or folder):
        if not quiet:
            print(*files, sep="\n")


@command(app)
def power(
    points: Annotated[
        float,
        typer.Option("--points", min=1e-6, help="Difference to detect, in percentage points."),
    ],
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="Run folder, result file, mlflow:EXPERIMENT."),
    ] = None,
    suite: Annotated[
        str | None, typer.Option("--suite", help="The suite, if it has several.")
    ] = None,
    checkpoint: Annotated[
        str | None,
        typer.Option("--checkpoint", help="The checkpoint; NAME means all of NAME-seedN."),
    ] = None,
    baseline: Annotated[
        str | None, typer.Option("--baseline", help="The checkpoint that it is compared with.")
    ] = None,
    accuracy: Annotated[
        float | None, typer.Option("--accuracy", help="Without a run: the baseline's, 0 to 1.")
    ] = None,
    discordant: Annotated[
        float | None,
        typer.Option("--discordant", help="Share of prompts that only one gets right, 0 to 1."),
    ] = None,
    correlation: Annotated[
        float | None, typer.Option("--correlation", help="Of the outcomes, in its place.")
    ] = None,
    samples: Annotated[
        int | None, typer.Option("--samples", min=1, help="Prompts at hand, without a run.")
    ] = None,
    power_: Annotated[
        float, typer.Option("--power", help="Probability to detect the difference, if it exists.")
    ] = 0.8,
    alpha: Annotated[
        float, typer.Option("--alpha", help="Probability to report one that does not exist.")
    ] = 0.05,
    comparisons: Annotated[
        int, typer.Option("--comparisons", min=1, help="Differences that the table will show.")
    ] = 1,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Also write everything behind the table here.")
    ] = None,
    runs: RunsOption = RUNS,
    tracking: TrackingOption = None,
) -> None:
    """Compute how many samples, repeats or seeds it takes to detect a difference."""
    from harness.cli import parse, reports
    from harness.report.compare.together import merged
    from harness.stats.power.budget import of_assumed, of_result, question

    difference = question(points, power_, alpha, comparisons)
    if run is None:
        budget = of_assumed(difference, (accuracy, discordant, correlation), samples)
    else:
        if any(figure is not None for figure in (accuracy, discordant, correlation, samples)):
            raise typer.BadParameter("assumed figures and a RUN do not go together")
        where = FolderOptions(runs).places(tracking)
        result = merged(parse.results(run, where.tracking_uri))
        budget = of_result(difference, result, suite, checkpoint, baseline)
    reports.power(budget, json_file)


@command(app)
def score(
    suite: Annotated[str, typer.Argument(help="A suite, as `nca suites` lists it.")],
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Answers (JSON lines), one model a file: FILE or NAME=FILE. A line has sample_id "
            "and completions, or task_id and completion or solution, or is a sample log's. "
            "Judged suites: FastChat's model_judgment, AlpacaEval's annotations.json.",
        ),
    ],
    *,
    also: Annotated[
        str | None, typer.Option("--also", help="evalplus: show where its executor differs.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Also write every sample's value here.")
    ] = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Show scores with values missing, n of N.")
    ] = False,
    judge: JudgeFlags,
    folders: FolderOptions,
    unsafe: UnsafeOption = False,
) -> None:
    """Score answers that were generated, or judged, elsewhere; only a judge needs an engine."""
    from harness.cli import parse
    from harness.cli.score import How
    from harness.cli.score import score as score_files

    bench = parse.bench(judge.options.choice(), folders.places())
    how = How(also, json_file, unsafe, allow_missing, bench)
    score_files(suite, files, folders.data_dir, how)


@command(app)
def export(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    *,
    format_: Annotated[
        str, typer.Option("--format", help="fastchat, alpaca_eval, humaneval or evalplus.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the files.")],
    checkpoints: Annotated[
        list[str] | None, typer.Option("--checkpoint", help="Only this checkpoint. Repeatable.")
    ] = None,
) -> None:
    """Write a run's answers as the benchmarks' official tools read them."""
    from harness.cli import reports

    reports.export(run, format_, out, checkpoints or ())

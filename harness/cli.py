"""The command line: `nca`. Heavy imports stay inside the commands, so that --help is quick."""

import signal
import sys
import traceback
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from harness import telemetry
from harness.data_folder import data_folder

app = typer.Typer(
    name="nca",
    help="Train checkpoints with NCA, InfoNCA and DPO, evaluate them, and show which is better.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
suites_app = typer.Typer(
    help="List the suites, or show what one asks.", invoke_without_command=True
)
app.add_typer(suites_app, name="suites")
data_app = typer.Typer(
    help="Fetch benchmark files, or look at training data.", no_args_is_help=True
)
app.add_typer(data_app, name="data")
journal_app = typer.Typer(
    help="Look at the journal of answers, check it, prune it, or add another.",
    no_args_is_help=True,
)
app.add_typer(journal_app, name="journal")

RunsOption = Annotated[Path, typer.Option("--runs", help="Folder of run folders and the journal.")]
ModelsOption = Annotated[Path, typer.Option("--models", help="Folder of fetched models.")]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        envvar="NCA_DATA_DIR",
        help="Folder of benchmark files. Default: one in your cache, for `nca data fetch` to fill.",
        callback=data_folder,
    ),
]
EngineOption = Annotated[
    str | None, typer.Option("--engine", help="vllm, transformers, openai or fake.")
]
LimitOption = Annotated[
    str | None,
    typer.Option("--limit", help="Samples a suite (of bbh: a task): a number, or gsm8k=64,bbh=4."),
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="Override a key: train.beta=0.05. Repeatable.")
]
TrackingOption = Annotated[
    str | None,
    typer.Option("--tracking", help="MLflow URI, or `none`. Default: SQLite under --runs."),
]
QuietOption = Annotated[bool, typer.Option("--quiet", help="Print the table only.")]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print progress and result as JSON lines, nothing else.")
]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
UnsafeOption = Annotated[
    bool, typer.Option("--unsafe", help="Run programs even where they cannot be contained.")
]
AsJsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
RecipeArgument = Annotated[Path, typer.Argument(help="A recipe file (YAML).")]

#: What typer gives back for Ctrl-C.
_INTERRUPTED = 130
#: Commands whose --json is a form of output, not a file.
_JSON_LINES = ("run", "train", "eval", "demo")
RUNS = Path("runs")
MODELS = Path("models")


def main() -> None:
    """Entry point: every error leaves as one or two lines and an exit code."""
    telemetry.off()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = app(standalone_mode=False)
    except Exception as error:  # the border: everything is classified here
        sys.exit(_explain(error))
    if code == _INTERRUPTED:
        said = "interrupted: what was finished is kept; run the same command again to go on"
        sys.exit(_failed(said, 1))
    sys.exit(code or 0)


def _interrupt(_number: int, _frame: object) -> NoReturn:
    """End like Ctrl-C: stages are interrupted, not orphaned."""
    raise KeyboardInterrupt


def _explain(error: Exception) -> int:
    from typer.exceptions import TyperException

    from harness.errors import classify

    if "--debug" in sys.argv:
        traceback.print_exc()
    if isinstance(error, TyperException):  # a command line that cannot be read
        show = getattr(error, "show", None)
        if show is None:
            return _failed(error.format_message(), 2)
        show()
        return _told(error.format_message(), 2)
    known = classify(error)
    if known is None:
        said = f"{type(error).__name__}: {error} (a fault of ours: run again with --debug)"
        return _failed(said, 1)
    return _failed(str(known), known.exit_code)


def _failed(message: str, exit_code: int) -> int:
    typer.secho(f"nca: {message}", err=True, fg=typer.colors.RED if sys.stderr.isatty() else None)
    return _told(message, exit_code)


def _told(message: str, exit_code: int) -> int:
    """The exit code; where JSON lines are asked for, the error is the last of them."""
    command, *options = sys.argv[1:] or [""]
    if command in _JSON_LINES and "--json" in options:
        from harness.output import tell_error

        tell_error(message, exit_code)
    return exit_code


@app.command()
def run(
    recipe: RecipeArgument,
    runs: RunsOption = RUNS,
    models: ModelsOption = MODELS,
    data_dir: DataOption = None,
    engine: EngineOption = None,
    limit: LimitOption = None,
    set_: SetOption = None,
    tracking: TrackingOption = None,
    save_result: Annotated[
        Path | None, typer.Option("--save-result", help="Also write the result file here.")
    ] = None,
    unsafe: UnsafeOption = False,
    quiet: QuietOption = False,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Train, evaluate and compare what a recipe names; whatever is done already is reused."""
    from harness import commands
    from harness.output import output

    del debug
    commands.run(
        recipe,
        commands.overrides(set_, engine, limit, unsafe=unsafe),
        commands.places(runs, models, data_dir, tracking),
        save_result=save_result,
        out=output(quiet=quiet, json=json),
    )


@app.command()
def train(
    recipe: RecipeArgument,
    runs: RunsOption = RUNS,
    models: ModelsOption = MODELS,
    data_dir: DataOption = None,
    set_: SetOption = None,
    tracking: TrackingOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what it would cost, and train nothing.")
    ] = False,
    rows: Annotated[
        int | None, typer.Option("--rows", min=1, help="Prompts that a dry run counts or assumes.")
    ] = None,
    quiet: QuietOption = False,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Train a recipe's checkpoints and stop there."""
    from harness import commands
    from harness.output import output

    del debug
    where = commands.places(runs, models, data_dir, tracking)
    given = commands.overrides(set_, None, None)
    if dry_run and json:
        raise typer.BadParameter("--json does not go with --dry-run, which prints a page")
    if dry_run:
        commands.dry_run(recipe, given, where, rows)
    elif rows is not None:
        raise typer.BadParameter("goes with --dry-run; to train on fewer: --set train.rows=N")
    else:
        commands.run(recipe, given, where, evaluation=False, out=output(quiet=quiet, json=json))


@app.command()
def merge(
    checkpoint: Annotated[Path, typer.Argument(help="A LoRA checkpoint folder.")],
    out: Annotated[Path, typer.Option("--output", "-o", help="The folder to be made.")],
    base: Annotated[
        str | None, typer.Option("--base", help="The full checkpoint under it, if it moved.")
    ] = None,
    models: ModelsOption = MODELS,
    debug: DebugOption = False,
) -> None:
    """Make a full checkpoint of an adapter and its base."""
    from harness import commands

    del debug
    commands.merge(checkpoint, out, base, models)


@app.command("eval")
def eval_(
    models_: Annotated[
        list[str], typer.Argument(metavar="MODEL...", help="Checkpoint folders, or NAME=FOLDER.")
    ],
    suites: Annotated[str, typer.Option("--suites", help="Names, separated by commas, or all.")],
    runs: RunsOption = RUNS,
    models: ModelsOption = MODELS,
    data_dir: DataOption = None,
    engine: EngineOption = None,
    limit: LimitOption = None,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Answers a sample.")] = 1,
    temperature: Annotated[
        float | None, typer.Option("--temperature", min=0, help="In place of the suites' own.")
    ] = None,
    base_url: Annotated[str, typer.Option("--base-url", help="Of an OpenAI endpoint.")] = "",
    tracking: TrackingOption = None,
    unsafe: UnsafeOption = False,
    quiet: QuietOption = False,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Evaluate checkpoints that exist, side by side; the first one is the baseline."""
    from harness import commands
    from harness.output import output

    del debug
    commands.evaluate(
        models_,
        commands.section(suites, engine, limit, repeats, temperature, base_url, unsafe=unsafe),
        commands.places(runs, models, data_dir, tracking),
        output(quiet=quiet, json=json),
    )


@app.command()
def audit(
    targets: Annotated[
        list[str],
        typer.Argument(metavar="RECIPE|MODEL...", help="A recipe, or checkpoints with --suites."),
    ],
    suites: Annotated[
        str | None, typer.Option("--suites", help="Of checkpoints: names with commas, or all.")
    ] = None,
    runs: RunsOption = RUNS,
    models: ModelsOption = MODELS,
    data_dir: DataOption = None,
    engine: EngineOption = None,
    limit: LimitOption = None,
    set_: SetOption = None,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Of checkpoints.")] = 1,
    speed: Annotated[
        float | None,
        typer.Option("--tokens-per-second", min=0.1, help="What the engine generates, for a time."),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Also write the audit here.")
    ] = None,
    debug: DebugOption = False,
) -> None:
    """Look at every prompt of an evaluation before it is paid for; nothing is generated."""
    from harness import audit_command, commands

    del debug
    where = commands.places(runs, models, data_dir, "none")
    if suites is not None:
        chosen = commands.section(suites, engine, limit, repeats, None, "")
        job = audit_command.of_models(targets, chosen, where)
    elif len(targets) == 1:
        given = commands.overrides(set_, engine, limit)
        job = audit_command.of_recipe(Path(targets[0]), given, where)
    else:
        raise typer.BadParameter("one recipe, or checkpoints with --suites")
    audit_command.show(job, speed, json_file)


@app.command()
def compare(
    names: Annotated[
        list[str],
        typer.Argument(metavar="RUN...", help="Run folders, result files, mlflow:EXPERIMENT."),
    ],
    baseline: Annotated[
        str | None, typer.Option("--baseline", help="Row that differences are taken to.")
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", help="terminal, markdown or csv.")
    ] = "terminal",
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Show scores with samples missing, n of N.")
    ] = False,
    runs: RunsOption = RUNS,
    tracking: TrackingOption = None,
    debug: DebugOption = False,
) -> None:
    """Put finished runs side by side, with intervals and paired differences."""
    from harness import commands

    del debug
    where = commands.places(runs, MODELS, None, tracking)
    commands.compare(names, baseline, format_, where, allow_missing=allow_missing)


@app.command()
def trends(
    names: Annotated[
        list[str],
        typer.Argument(metavar="RUN...", help="Run folders, result files, mlflow:EXPERIMENT."),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for tables and pictures.")],
    baseline: Annotated[
        str, typer.Option("--baseline", help="Checkpoint whose last margin is the measure.")
    ] = "dpo",
    runs: RunsOption = RUNS,
    tracking: TrackingOption = None,
    debug: DebugOption = False,
) -> None:
    """Show how likelihoods of best and worst responses moved, over seeds and at equal margin."""
    from harness import commands

    del debug
    commands.trends(names, baseline, out, commands.places(runs, MODELS, None, tracking))


@app.command()
def power(
    points: Annotated[
        float,
        typer.Option("--points", min=1e-6, help="Difference to see, in percentage points."),
    ],
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="Run folder, result file, mlflow:EXPERIMENT."),
    ] = None,
    suite: Annotated[str | None, typer.Option("--suite", help="Which, if it has several.")] = None,
    checkpoint: Annotated[
        str | None,
        typer.Option("--checkpoint", help="Which; NAME stands for all of NAME-seedN."),
    ] = None,
    baseline: Annotated[
        str | None, typer.Option("--baseline", help="What it is compared with.")
    ] = None,
    accuracy: Annotated[
        float | None, typer.Option("--accuracy", help="Without a run: the baseline's, 0 to 1.")
    ] = None,
    discordant: Annotated[
        float | None,
        typer.Option("--discordant", help="Share of prompts that only one gets right, 0 to 1."),
    ] = None,
    correlation: Annotated[
        float | None, typer.Option("--correlation", help="Of right and wrong, in its place.")
    ] = None,
    samples: Annotated[
        int | None, typer.Option("--samples", min=1, help="Prompts at hand, without a run.")
    ] = None,
    power_: Annotated[
        float, typer.Option("--power", help="Chance to see the difference, if it is there.")
    ] = 0.8,
    alpha: Annotated[
        float, typer.Option("--alpha", help="Chance to see one that is not there.")
    ] = 0.05,
    comparisons: Annotated[
        int, typer.Option("--comparisons", min=1, help="Differences that the table will show.")
    ] = 1,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Also write everything behind the table here.")
    ] = None,
    runs: RunsOption = RUNS,
    tracking: TrackingOption = None,
    debug: DebugOption = False,
) -> None:
    """Say how many samples, repeats or seeds it takes to see a difference."""
    from harness import commands
    from harness.power_budget import of_assumed, of_result, question

    del debug
    asked = question(points, power_, alpha, comparisons)
    if run is None:
        budget = of_assumed(asked, (accuracy, discordant, correlation), samples)
    else:
        if any(figure is not None for figure in (accuracy, discordant, correlation, samples)):
            raise typer.BadParameter("assumed figures and a RUN do not go together")
        where = commands.places(runs, MODELS, None, tracking)
        result = commands.merged(commands.results(run, where.tracking_uri))
        budget = of_result(asked, result, suite, checkpoint, baseline)
    commands.power(budget, json_file)


@app.command()
def score(
    suite: Annotated[str, typer.Argument(help="A suite, as `nca suites` lists it.")],
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Answers (JSON lines), one model a file: FILE or NAME=FILE. A line has sample_id "
            "and completions, or task_id and completion or solution, or is a sample log's.",
        ),
    ],
    also: Annotated[
        str | None, typer.Option("--also", help="evalplus: show where its executor differs.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Also write every sample's value here.")
    ] = None,
    data_dir: DataOption = None,
    unsafe: UnsafeOption = False,
    debug: DebugOption = False,
) -> None:
    """Score answers that were generated elsewhere; no engine is needed."""
    from harness.score import score as score_files

    del debug
    score_files(suite, files, also, json_file, data_dir, unsafe=unsafe)


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    format_: Annotated[
        str, typer.Option("--format", help="fastchat, alpaca_eval, humaneval or evalplus.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the files.")],
    checkpoints: Annotated[
        list[str] | None, typer.Option("--checkpoint", help="Only this one. Repeatable.")
    ] = None,
    debug: DebugOption = False,
) -> None:
    """Write a run's answers as the benchmarks' official tools read them."""
    from harness import commands

    del debug
    commands.export(run, format_, out, checkpoints or ())


@suites_app.callback()
def suites(context: typer.Context) -> None:
    """List the suites."""
    if context.invoked_subcommand is None:
        from harness import commands

        commands.list_suites()


@suites_app.command("show")
def show_suite(
    name: Annotated[str, typer.Argument(help="A suite, as `nca suites` lists it.")],
    sample: Annotated[int, typer.Option("--sample", min=0, help="Which sample, from 0.")] = 0,
    model: Annotated[
        str | None, typer.Option("--model", help="Render with this checkpoint's chat template.")
    ] = None,
    models: ModelsOption = MODELS,
    data_dir: DataOption = None,
    debug: DebugOption = False,
) -> None:
    """Print a suite's facts and one rendered prompt."""
    from harness import commands

    del debug
    commands.show_suite(name, sample, model, models, data_dir)


@data_app.command("show")
def show_data(
    recipe: RecipeArgument,
    row: Annotated[
        int | None, typer.Option("--row", min=1, help="Which row of the data, from 1.")
    ] = None,
    checkpoint: Annotated[
        str | None, typer.Option("--checkpoint", help="Whose settings; the first by default.")
    ] = None,
    models: ModelsOption = MODELS,
    data_dir: DataOption = None,
    set_: SetOption = None,
    debug: DebugOption = False,
) -> None:
    """Print one prompt with its responses, rewards, labels and exact tokens."""
    from harness import commands

    del debug
    where = commands.places(RUNS, models, data_dir, "none")
    commands.show_data(recipe, commands.overrides(set_, None, None), where, checkpoint, row)


@data_app.command("fetch")
def fetch_data(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Suites, `reward`, `preference`; all without."),
    ] = None,
    data_dir: DataOption = None,
    base_url: Annotated[
        str | None,
        typer.Option("--base-url", envvar="NCA_DATA_URL", help="A mirror of GitHub's raw files."),
    ] = None,
    tries: Annotated[
        int, typer.Option("--tries", min=1, help="In a row that bring nothing, for a file.")
    ] = 5,
    debug: DebugOption = False,
) -> None:
    """Fill the data folder with upstream's files, each checked; what is there is left alone."""
    from harness import commands

    del debug
    commands.fetch_data(names or (), data_folder(data_dir), base_url, tries)


@journal_app.command("show")
def show_journal(
    runs: RunsOption = RUNS, as_json: AsJsonOption = False, debug: DebugOption = False
) -> None:
    """Print its size, what is in it, and how often that was found again."""
    from harness import journal_show

    del debug
    journal_show.show(runs, as_json=as_json)


@journal_app.command("verify")
def verify_journal(
    repair: Annotated[
        bool, typer.Option("--repair", help="Set damaged entries aside; end runs first.")
    ] = False,
    runs: RunsOption = RUNS,
    as_json: AsJsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Check every entry's checksum and every page; exit code 1 where damage is left."""
    from harness import journal_show

    del debug
    journal_show.verify(runs, repair=repair, as_json=as_json)


@journal_app.command("prune")
def prune_journal(
    damaged: Annotated[
        bool, typer.Option("--damaged", help="What was set aside as damaged.")
    ] = False,
    unused: Annotated[
        bool, typer.Option("--unused", help="Entries never found again since they were stored.")
    ] = False,
    origin: Annotated[
        str | None,
        typer.Option("--origin", help="Entries given by this: part of a line of `show`."),
    ] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="answer or check.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go, and remove nothing.")
    ] = False,
    runs: RunsOption = RUNS,
    as_json: AsJsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Remove entries for which all of --unused, --origin and --kind holds that is given."""
    from harness import journal_show
    from harness.journal_care import Choice

    del debug
    choice = Choice(kind, origin, unused=unused, quarantine=damaged)
    journal_show.remove(runs, choice, dry_run=dry_run, as_json=as_json)


@journal_app.command("merge")
def merge_journals(
    others: Annotated[
        list[Path], typer.Argument(metavar="OTHER...", help="Journals, or folders of runs.")
    ],
    runs: RunsOption = RUNS,
    as_json: AsJsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Add the entries of other journals, each checked; what is there already stays."""
    from harness import journal_show

    del debug
    journal_show.absorb(runs, others, as_json=as_json)


@app.command()
def doctor(
    data_dir: DataOption = None,
    tracking: TrackingOption = None,
    runs: RunsOption = RUNS,
    online: Annotated[bool, typer.Option("--online", help="Also ask the model hub.")] = False,
    debug: DebugOption = False,
) -> None:
    """Say what this machine has and what to do about what it lacks."""
    from harness import commands

    del debug
    commands.doctor(commands.places(runs, MODELS, data_dir, tracking), online=online)


@app.command()
def demo(
    model: Annotated[
        str | None, typer.Option("--model", help="A checkpoint folder instead of SmolLM2-135M.")
    ] = None,
    runs: RunsOption = RUNS,
    models: ModelsOption = MODELS,
    limit: LimitOption = None,
    tracking: TrackingOption = None,
    quiet: QuietOption = False,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Train three checkpoints on arithmetic, evaluate them, and show them side by side."""
    from harness import commands
    from harness import demo as demonstration
    from harness.output import output

    del debug

    places = commands.places(runs, models, None, tracking)
    demonstration.show(model, places, output(quiet=quiet, json=json), limit)


if __name__ == "__main__":
    main()

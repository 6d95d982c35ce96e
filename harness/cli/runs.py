"""Commands that train and evaluate, or estimate and check before it."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import (
    MODELS,
    RUNS,
    BaseUrlOption,
    EngineOption,
    FolderOptions,
    JudgeFlags,
    LimitOption,
    ModelsOption,
    OutputOptions,
    RecipeArgument,
    RoomOption,
    RunsOption,
    SetOption,
    TasksOption,
    TrackingOption,
    UnsafeOption,
    command,
)

app = typer.Typer()


@command(app)
def run(
    recipe: RecipeArgument,
    *,
    folders: FolderOptions,
    engine: EngineOption = None,
    limit: LimitOption = None,
    judge: JudgeFlags,
    set_: SetOption = None,
    tracking: TrackingOption = None,
    save_result: Annotated[
        Path | None, typer.Option("--save-result", help="Also write the result file here.")
    ] = None,
    unsafe: UnsafeOption = False,
    form: OutputOptions,
) -> None:
    """Train, evaluate and compare what a recipe names; whatever is done already is reused."""
    from harness.cli import commands, parse

    overrides = parse.overrides(set_, engine, limit, unsafe=unsafe)
    commands.run(
        recipe,
        [*judge.options.overrides(), *overrides],
        folders.places(tracking),
        save_result=save_result,
        out=form.output,
    )


@command(app)
def train(
    recipe: RecipeArgument,
    *,
    folders: FolderOptions,
    set_: SetOption = None,
    tracking: TrackingOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what it would cost, and train nothing.")
    ] = False,
    rows: Annotated[
        int | None, typer.Option("--rows", min=1, help="Prompts that a dry run counts or assumes.")
    ] = None,
    form: OutputOptions,
) -> None:
    """Train a recipe's checkpoints and stop there."""
    from harness.cli import commands

    where = folders.places(tracking)
    if dry_run and form.json:
        raise typer.BadParameter("--json does not go with --dry-run, which prints a page")
    if dry_run:
        commands.dry_run(recipe, set_ or (), where, rows)
    elif rows is not None:
        raise typer.BadParameter("goes with --dry-run; to train on fewer: --set train.rows=N")
    else:
        commands.run(recipe, set_ or (), where, evaluation=False, out=form.output)


@command(app)
def merge(
    checkpoint: Annotated[Path, typer.Argument(help="A LoRA checkpoint folder.")],
    *,
    out: Annotated[Path, typer.Option("--output", "-o", help="The folder to be made.")],
    base: Annotated[
        str | None, typer.Option("--base", help="The full checkpoint under it, if it moved.")
    ] = None,
    models: ModelsOption = MODELS,
) -> None:
    """Make a full checkpoint of an adapter and its base."""
    from harness.cli import commands

    commands.merge(checkpoint, out, base, models)


@command(app, "eval")
def eval_(
    models_: Annotated[
        list[str], typer.Argument(metavar="MODEL...", help="Checkpoint folders, or NAME=FOLDER.")
    ],
    *,
    suites: Annotated[str, typer.Option("--suites", help="Names, separated by commas, or all.")],
    folders: FolderOptions,
    engine: EngineOption = None,
    limit: LimitOption = None,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Answers a sample.")] = 1,
    temperature: Annotated[
        float | None, typer.Option("--temperature", min=0, help="In place of the suites' own.")
    ] = None,
    base_url: BaseUrlOption = "",
    reference: Annotated[
        str | None, typer.Option("--reference", help="The model that kl:SUITE measures against.")
    ] = None,
    all_pairs: Annotated[
        bool,
        typer.Option("--all-pairs", help="In head_to_head:SUITE all checkpoints meet."),
    ] = False,
    judge: JudgeFlags,
    room: RoomOption = None,
    lm_eval_tasks: TasksOption = None,
    tracking: TrackingOption = None,
    unsafe: UnsafeOption = False,
    form: OutputOptions,
) -> None:
    """Evaluate checkpoints that exist, side by side; the first one is the baseline."""
    from harness.cli import commands, parse

    section = parse.evaluate_section(
        suites,
        parse.engine_choice(engine, base_url, room),
        limit,
        repeats=repeats,
        temperature=temperature,
        judge=judge.options.choice(),
        reference=reference,
        all_pairs=all_pairs,
        unsafe=unsafe,
        tasks=lm_eval_tasks,
    )
    commands.evaluate(models_, section, folders.places(tracking), form.output)


@command(app)
def audit(
    targets: Annotated[
        list[str],
        typer.Argument(metavar="RECIPE|MODEL...", help="A recipe, or checkpoints with --suites."),
    ],
    *,
    suites: Annotated[
        str | None, typer.Option("--suites", help="For checkpoints: names with commas, or all.")
    ] = None,
    folders: FolderOptions,
    engine: EngineOption = None,
    limit: LimitOption = None,
    set_: SetOption = None,
    repeats: Annotated[
        int, typer.Option("--repeats", min=1, help="For checkpoints: answers a sample.")
    ] = 1,
    room: RoomOption = None,
    lm_eval_tasks: Annotated[
        Path | None, typer.Option("--lm-eval-tasks", help="For checkpoints: folder of task files.")
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(
            "--tokens-per-second",
            min=0.1,
            help="Speed of the engine, for the time. Default: as measured by earlier runs.",
        ),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Also write the audit here.")
    ] = None,
) -> None:
    """Check every prompt of an evaluation before it costs anything; nothing is generated."""
    from harness.cli import audit as audit_command
    from harness.cli import parse

    where = folders.places()
    if suites is not None:
        choice = parse.engine_choice(engine, "", room)
        section = parse.evaluate_section(
            suites, choice, limit, repeats=repeats, tasks=lm_eval_tasks
        )
        job, library = audit_command.of_models(targets, section, where)
    elif len(targets) == 1:
        overrides = parse.overrides(set_, engine, limit, room=room)
        job, library = audit_command.of_recipe(Path(targets[0]), overrides, where)
    else:
        raise typer.BadParameter("one recipe, or checkpoints with --suites")
    audit_command.show(job, library, speed, json_file)


@command(app)
def demo(
    *,
    model: Annotated[
        str | None, typer.Option("--model", help="A checkpoint folder instead of SmolLM2-135M.")
    ] = None,
    runs: RunsOption = RUNS,
    models: ModelsOption = MODELS,
    limit: LimitOption = None,
    tracking: TrackingOption = None,
    form: OutputOptions,
) -> None:
    """Train three checkpoints on arithmetic, evaluate them, and show them side by side."""
    from harness.cli import commands

    commands.demo(model, FolderOptions(runs, models).places(tracking), form.output, limit)

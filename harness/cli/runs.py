"""Commands that train and evaluate, or look at what would be."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import (
    MODELS,
    RUNS,
    DataOption,
    DebugOption,
    EngineOption,
    JsonOption,
    JudgeOption,
    JudgePriceOption,
    JudgeRepeatsOption,
    JudgeUrlOption,
    LimitOption,
    MaxCostOption,
    ModelsOption,
    QuietOption,
    RecipeArgument,
    RoomOption,
    RunsOption,
    SetOption,
    TasksOption,
    TrackingOption,
    UnsafeOption,
)

app = typer.Typer()


@app.command()
def run(
    recipe: RecipeArgument,
    runs: RunsOption = RUNS,
    models: ModelsOption = MODELS,
    data_dir: DataOption = None,
    engine: EngineOption = None,
    limit: LimitOption = None,
    judge: JudgeOption = None,
    judge_url: JudgeUrlOption = "",
    judge_price: JudgePriceOption = None,
    max_cost: MaxCostOption = None,
    judge_repeats: JudgeRepeatsOption = None,
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
    from harness.cli import commands, parse
    from harness.cli.output import output
    from harness.recipe.judge_options import JudgeOptions

    del debug
    chosen = JudgeOptions(judge, judge_url, judge_price, max_cost, judge_repeats)
    commands.run(
        recipe,
        [*chosen.overrides(), *parse.overrides(set_, engine, limit, unsafe=unsafe)],
        parse.places(runs, models, data_dir, tracking),
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
    from harness.cli import commands, parse
    from harness.cli.output import output

    del debug
    where = parse.places(runs, models, data_dir, tracking)
    given = parse.overrides(set_, None, None)
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
    from harness.cli import commands

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
    reference: Annotated[
        str | None, typer.Option("--reference", help="The model that kl:SUITE measures against.")
    ] = None,
    all_pairs: Annotated[
        bool,
        typer.Option("--all-pairs", help="In head_to_head:SUITE all checkpoints meet."),
    ] = False,
    judge: JudgeOption = None,
    judge_url: JudgeUrlOption = "",
    judge_price: JudgePriceOption = None,
    max_cost: MaxCostOption = None,
    judge_repeats: JudgeRepeatsOption = None,
    room: RoomOption = None,
    lm_eval_tasks: TasksOption = None,
    tracking: TrackingOption = None,
    unsafe: UnsafeOption = False,
    quiet: QuietOption = False,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Evaluate checkpoints that exist, side by side; the first one is the baseline."""
    from harness.cli import commands, parse
    from harness.cli.output import output
    from harness.recipe.judge_options import JudgeOptions

    del debug
    chosen = parse.section(
        suites,
        engine,
        limit,
        repeats,
        temperature,
        base_url,
        room=room,
        unsafe=unsafe,
        tasks=lm_eval_tasks,
    )
    judged_by = JudgeOptions(judge, judge_url, judge_price, max_cost, judge_repeats).choice()
    commands.evaluate(
        models_,
        chosen.model_copy(
            update={"judge": judged_by, "reference": reference, "all_pairs": all_pairs}
        ),
        parse.places(runs, models, data_dir, tracking),
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
    room: RoomOption = None,
    lm_eval_tasks: Annotated[
        Path | None, typer.Option("--lm-eval-tasks", help="Of checkpoints: folder of task files.")
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(
            "--tokens-per-second",
            min=0.1,
            help="What the engine generates, for a time. Default: what runs here measured.",
        ),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Also write the audit here.")
    ] = None,
    debug: DebugOption = False,
) -> None:
    """Look at every prompt of an evaluation before it is paid for; nothing is generated."""
    from harness.cli import audit as audit_command
    from harness.cli import parse

    del debug
    where = parse.places(runs, models, data_dir, "none")
    if suites is not None:
        chosen = parse.section(
            suites, engine, limit, repeats, None, "", room=room, tasks=lm_eval_tasks
        )
        job, library = audit_command.of_models(targets, chosen, where)
    elif len(targets) == 1:
        given = parse.overrides(set_, engine, limit, room=room)
        job, library = audit_command.of_recipe(Path(targets[0]), given, where)
    else:
        raise typer.BadParameter("one recipe, or checkpoints with --suites")
    audit_command.show(job, library, speed, json_file)


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
    from harness.cli import demo as demonstration
    from harness.cli import parse
    from harness.cli.output import output

    del debug

    places = parse.places(runs, models, None, tracking)
    demonstration.show(model, places, output(quiet=quiet, json=json), limit)

"""Commands that train and evaluate, or estimate and check before it."""

from pathlib import Path
from typing import Annotated

from typer import Argument, BadParameter, Option, Typer

from harness.cli import options
from harness.cli.options import MODELS, RUNS, command

app = Typer()


@command(app)
def run(
    recipe: options.RecipeFile,
    *,
    folders: options.Folders,
    engine: options.Engine = None,
    limit: options.Limit = None,
    judge: options.JudgeFlags,
    set_: options.Set = None,
    tracking: options.Tracking = None,
    save_result: Annotated[Path | None, Option(help="Also write the result file here.")] = None,
    unsafe: options.Unsafe = False,
    form: options.Form,
) -> None:
    """Train, evaluate and compare what a recipe names; whatever is done already is reused."""
    from harness.cli import parse
    from harness.cli.run_recipe import run_recipe

    overrides = parse.overrides(set_, engine, limit, unsafe=unsafe)
    overrides = [*judge.options.overrides(), *overrides]
    where = folders.places(tracking)
    run_recipe(recipe, overrides, where, form.output, save_result=save_result)


@command(app)
def train(
    recipe: options.RecipeFile,
    *,
    folders: options.Folders,
    set_: options.Set = None,
    tracking: options.Tracking = None,
    dry_run: Annotated[
        bool, Option("--dry-run", help="Print what it would cost, and train nothing.")
    ] = False,
    rows: Annotated[
        int | None, Option(min=1, help="Prompts that a dry run counts or assumes.")
    ] = None,
    form: options.Form,
) -> None:
    """Train a recipe's checkpoints and stop there."""
    from harness.cli import parse
    from harness.cli.run_recipe import run_recipe
    from harness.pipeline.dry_run import estimate_costs, page

    where, overrides = folders.places(tracking), set_ or ()
    if dry_run and form.json:
        raise BadParameter("--json does not go with --dry-run, which prints a page")
    if dry_run:
        read, where = parse.recipe(recipe, overrides, where)
        for name, estimate in estimate_costs(read, where, rows).items():
            print(page(name, read.starts.get(name, read.base), estimate))
    elif rows is not None:
        raise BadParameter("goes with --dry-run; to train on fewer: --set train.rows=N")
    else:
        run_recipe(recipe, overrides, where, form.output, evaluation=False)


@command(app)
def merge(
    checkpoint: Annotated[Path, Argument(help="A LoRA checkpoint folder.")],
    *,
    out: Annotated[Path, Option("--output", "-o", help="The folder to be made.")],
    base: Annotated[str | None, Option(help="The full checkpoint under it, if it moved.")] = None,
    models: options.Models = MODELS,
) -> None:
    """Make a full checkpoint of an adapter and its base."""
    from rich.console import Console
    from transformers.utils.logging import disable_progress_bar

    from harness.engines.checkpoints import checked, resolve, under
    from harness.errors import ModelError
    from train.model import loading

    folder = checked(checkpoint.resolve())
    loading.refuse_unmergeable(folder, out)
    try:
        full = under(folder, models) if base is None else resolve(base, models)
    except ModelError as error:
        raise ModelError(f"{error}; --base names the full checkpoint under the adapter") from None
    disable_progress_bar()
    if full is not None:
        loading.merge(folder, full, out)
        Console().print(f"merged: {out}", highlight=False, soft_wrap=True)


@command(app, "eval")
def eval_(
    models_: Annotated[
        list[str], Argument(metavar="MODEL...", help="Checkpoint folders, or NAME=FOLDER.")
    ],
    *,
    suites: Annotated[str, Option(help="Names, separated by commas, or all.")],
    folders: options.Folders,
    engine: options.Engine = None,
    limit: options.Limit = None,
    repeats: Annotated[int, Option(min=1, help="Answers a sample.")] = 1,
    temperature: Annotated[float | None, Option(min=0, help="In place of the suites' own.")] = None,
    base_url: options.BaseUrl = "",
    reference: Annotated[
        str | None, Option(help="The model that kl:SUITE measures against.")
    ] = None,
    all_pairs: Annotated[
        bool, Option("--all-pairs", help="In head_to_head:SUITE all checkpoints meet.")
    ] = False,
    judge: options.JudgeFlags,
    room: options.MaxModelLen = None,
    lm_eval_tasks: options.Tasks = None,
    tracking: options.Tracking = None,
    unsafe: options.Unsafe = False,
    form: options.Form,
) -> None:
    """Evaluate checkpoints that exist, side by side; the first one is the baseline."""
    from harness.cli import parse
    from harness.pipeline.run import evaluate_models

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
    where, out = folders.places(tracking), form.output
    section, library = parse.expand_all(section, where, out)
    named = parse.name_checkpoints(models_)
    finished = evaluate_models(named, section, where, out.screen, library)
    out.result(finished, where.tracking_uri)


@command(app)
def audit(
    targets: Annotated[
        list[str],
        Argument(metavar="RECIPE|MODEL...", help="A recipe, or checkpoints with --suites."),
    ],
    *,
    suites: Annotated[
        str | None, Option(help="For checkpoints: names with commas, or all.")
    ] = None,
    folders: options.Folders,
    engine: options.Engine = None,
    limit: options.Limit = None,
    set_: options.Set = None,
    repeats: Annotated[int, Option(min=1, help="For checkpoints: answers a sample.")] = 1,
    room: options.MaxModelLen = None,
    lm_eval_tasks: Annotated[
        Path | None, Option(help="For checkpoints: folder of task files.")
    ] = None,
    speed: Annotated[
        float | None,
        Option(
            "--tokens-per-second",
            min=0.1,
            help="Speed of the engine, for the time. Default: as measured by earlier runs.",
        ),
    ] = None,
    json_file: Annotated[Path | None, Option("--json", help="Also write the audit here.")] = None,
) -> None:
    """Check every prompt of an evaluation before it costs anything; nothing is generated."""
    from harness.cli import audit, parse

    where = folders.places()
    if suites is not None:
        choice = parse.engine_choice(engine, "", room)
        section = parse.evaluate_section(
            suites, choice, limit, repeats=repeats, tasks=lm_eval_tasks
        )
        job, library = audit.of_models(targets, section, where)
    elif len(targets) == 1:
        overrides = parse.overrides(set_, engine, limit, room=room)
        job, library = audit.of_recipe(Path(targets[0]), overrides, where)
    else:
        raise BadParameter("one recipe, or checkpoints with --suites")
    audit.show(job, library, speed, json_file)


@command(app)
def demo(
    *,
    model: Annotated[
        str | None, Option(help="A checkpoint folder instead of SmolLM2-135M.")
    ] = None,
    runs: options.Runs = RUNS,
    models: options.Models = MODELS,
    limit: options.Limit = None,
    tracking: options.Tracking = None,
    form: options.Form,
) -> None:
    """Train three checkpoints on arithmetic, evaluate them, and show them side by side."""
    from harness.cli.run_recipe import run_demo

    run_demo(model, options.Folders(runs, models).places(tracking), form.output, limit)

"""`nca suites`."""

from typing import Annotated

import typer

from harness.cli.options import MODELS, DataOption, DebugOption, ModelsOption, TasksOption

app = typer.Typer(help="List the suites, or show what one asks.", invoke_without_command=True)


@app.callback()
def suites(context: typer.Context) -> None:
    """List the suites."""
    if context.invoked_subcommand is None:
        from harness.cli import commands

        commands.list_suites()


@app.command("show")
def show_suite(
    name: Annotated[str, typer.Argument(help="A suite, as `nca suites` lists it.")],
    sample: Annotated[int, typer.Option("--sample", min=0, help="Which sample, from 0.")] = 0,
    model: Annotated[
        str | None, typer.Option("--model", help="Render with this checkpoint's chat template.")
    ] = None,
    models: ModelsOption = MODELS,
    data_dir: DataOption = None,
    lm_eval_tasks: TasksOption = None,
    debug: DebugOption = False,
) -> None:
    """Print a suite's facts and one rendered prompt."""
    from harness.cli import commands

    del debug
    commands.show_suite(name, sample, model, models, data_dir, lm_eval_tasks)

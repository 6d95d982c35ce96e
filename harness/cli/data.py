"""`nca data`."""

from typing import Annotated

import typer

from harness.cli.options import (
    MODELS,
    RUNS,
    DataOption,
    DebugOption,
    ModelsOption,
    RecipeArgument,
    SetOption,
)
from harness.data.folder import data_folder

app = typer.Typer(help="Fetch benchmark files, or look at training data.", no_args_is_help=True)


@app.command("show")
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
    from harness.cli import commands

    del debug
    where = commands.places(RUNS, models, data_dir, "none")
    commands.show_data(recipe, commands.overrides(set_, None, None), where, checkpoint, row)


@app.command("fetch")
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
    from harness.cli import commands

    del debug
    commands.fetch_data(names or (), data_folder(data_dir), base_url, tries)

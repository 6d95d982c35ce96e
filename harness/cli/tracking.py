"""`nca sync`."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import MODELS, RUNS, DebugOption, RunsOption, TrackingOption

app = typer.Typer()


@app.command()
def sync(
    names: Annotated[
        list[Path] | None,
        typer.Argument(metavar="RUN...", help="Run folders. Default: all finished ones of --runs."),
    ] = None,
    experiment: Annotated[
        str, typer.Option("--experiment", help="One for all. Default: the name of each recipe.")
    ] = "",
    runs: RunsOption = RUNS,
    tracking: TrackingOption = None,
    debug: DebugOption = False,
) -> None:
    """Send runs to an MLflow store, or to another one; what it holds already is left alone."""
    from harness.cli import parse
    from harness.cli.sync import send

    del debug
    uri = parse.places(runs, MODELS, None, tracking).tracking_uri
    if not send(names or (), runs, uri, experiment):
        raise typer.Exit(1)

"""`nca doctor`."""

from typing import Annotated

import typer

from harness.cli.options import MODELS, RUNS, DataOption, DebugOption, RunsOption, TrackingOption

app = typer.Typer()


@app.command()
def doctor(
    data_dir: DataOption = None,
    tracking: TrackingOption = None,
    runs: RunsOption = RUNS,
    online: Annotated[bool, typer.Option("--online", help="Also ask the model hub.")] = False,
    debug: DebugOption = False,
) -> None:
    """Say what this machine has and what to do about what it lacks."""
    from harness.cli import commands, parse

    del debug
    commands.doctor(parse.places(runs, MODELS, data_dir, tracking), online=online)

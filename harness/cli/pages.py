"""Commands whose outcome is seen in a browser."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import RUNS, DebugOption

app = typer.Typer()


@app.command()
def dashboard(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where runs, results and reports lie.")
    ] = RUNS,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", min=0, max=65535, help="Default: 8765, or the next free one; 0: any."
        ),
    ] = None,
    browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open it in a browser.")
    ] = False,
    debug: DebugOption = False,
) -> None:
    """Show runs while they work, reports, and a leaderboard over all, on this machine only."""
    from harness.cli.dashboard import dashboard as serve

    del debug
    serve(folder, port, browser=browser)

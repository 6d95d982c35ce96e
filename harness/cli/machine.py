"""Commands about this machine: what it has, its dashboard, and its copies in an MLflow store."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Exit, Option, Typer

from harness.cli import options
from harness.cli.options import RUNS, command

app = Typer()


@command(app)
def dashboard(
    folder: Annotated[
        Path, Argument(metavar="DIR", help="Folder of runs, results and reports.")
    ] = RUNS,
    *,
    port: Annotated[
        int | None,
        Option(min=0, max=65535, help="Default: 8765, or the next free one; 0: any."),
    ] = None,
    browser: Annotated[bool, Option("--open/--no-open", help="Open it in a browser.")] = False,
) -> None:
    """Show runs while they work, reports, and a leaderboard over all, on this machine only."""
    import contextlib
    import webbrowser

    from harness.errors import UserError
    from harness.report.dashboard.server import listen
    from harness.report.dashboard.view import View

    if not folder.is_dir():
        raise UserError(f"{folder}: no folder there; name that of your runs: nca dashboard DIR")
    view = View(folder, str(folder))
    with listen(folder, view, port) as server, contextlib.suppress(KeyboardInterrupt):
        print(f"{folder} is shown at {server.url} (this machine only); Ctrl-C ends it", flush=True)
        if browser:
            webbrowser.open(server.url)
        server.serve_forever()


@command(app)
def sync(
    names: Annotated[
        list[Path] | None,
        Argument(metavar="RUN...", help="Run folders. Default: all finished ones of --runs."),
    ] = None,
    *,
    experiment: Annotated[
        str,
        Option(help="One experiment for all. Default: the name of each recipe."),
    ] = "",
    runs: options.Runs = RUNS,
    tracking: options.Tracking = None,
) -> None:
    """Send runs to an MLflow store, or to another one; what it holds already is left alone."""
    from harness.cli.sync import send

    uri = options.Folders(runs).places(tracking).tracking_uri
    if not send(names or (), runs, uri, experiment):
        raise Exit(1)


@command(app)
def doctor(
    *,
    data_dir: options.DataDir = None,
    tracking: options.Tracking = None,
    runs: options.Runs = RUNS,
    online: Annotated[bool, Option("--online", help="Also ask the model hub.")] = False,
) -> None:
    """Check this machine, and name a remedy for whatever is missing."""
    from harness.cli.diagnosis import checks, table
    from harness.cli.results import print_table

    uri = options.Folders(runs).places(tracking).tracking_uri
    folder = options.data_folder(data_dir)
    print_table(table(checks(runs=runs, data_dir=folder, tracking_uri=uri, online=online)))

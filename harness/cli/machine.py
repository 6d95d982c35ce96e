"""Commands about this machine: what it has, its dashboard, and its copies in an MLflow store."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Exit, Option, Typer

from harness.cli import options
from harness.cli.options import RUNS, command
from harness.errors import RunError, UserError

if TYPE_CHECKING:
    from harness.tracking.store import SyncReport

app = Typer()


@command(app)
def dashboard(
    folder: Annotated[
        Path, Argument(metavar="DIR", help="Folder of runs, results and reports.")
    ] = RUNS,
    *,
    port: Annotated[
        int | None, Option(min=0, max=65535, help="Default: 8765, or the next free one; 0: any.")
    ] = None,
    browser: Annotated[bool, Option("--open/--no-open", help="Open it in a browser.")] = False,
) -> None:
    """Show runs while they work, reports, and a leaderboard over all, on this machine only."""
    import contextlib
    import webbrowser

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
        str, Option(help="One experiment for all. Default: the name of each recipe.")
    ] = "",
    runs: options.Runs = RUNS,
    tracking: options.Tracking = None,
) -> None:
    """Send runs to an MLflow store, or to another one; what it holds already is left alone."""
    from rich.console import Console

    uri = options.Folders(runs).places(tracking).tracking_uri
    if not uri:
        raise RunError("--tracking none: there is no store to send to")
    folders = names or sorted(file.parent for file in runs.glob("*/result.json"))
    if not folders:
        raise RunError(
            f"{runs}: there is no finished run; name run folders, or set their folder with --runs"
        )
    if without := [run for run in folders if not (run / "result.json").is_file()]:
        raise RunError(f"{without[0]}: no run folder with a result; `nca run` makes one")
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"to {uri}", markup=False)
    failed = False
    for run in folders:
        report = sync_run(run, uri, experiment)
        if report.failed:
            failed = True
            console.print(f"{run.name}: failed: {report.failed}", style="red", markup=False)
        else:
            console.print(f"{run.name}: {_contents(report)}", markup=False)
    if failed:
        raise Exit(1)


def sync_run(run: Path, uri: str, experiment: str = "") -> "SyncReport":
    """Copy a run folder, with its scores compared once, to an MLflow store.

    The experiment is by default that of the run's recipe. Raises RunError where the folder has no
    readable result.
    """
    from harness.report.compare.comparison import compared_cells
    from harness.storage.result import read_result
    from harness.tracking.store import sync

    return sync(run, uri, compared_cells(read_result(run)), experiment)


def _contents(report: "SyncReport") -> str:
    new = f"{report.sent:,} new" if report.sent else "none new"
    models = "1 checkpoint" if report.models == 1 else f"{report.models} checkpoints"
    contents = f"{report.runs} runs, {report.points:,} points ({new}), {models}"
    return f"experiment {report.experiment} holds {contents}, {report.files} files and tables"


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

"""`nca sync`: run folders sent to an MLflow store."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from harness.errors import RunError
from harness.report.compare.comparison import compared_cells
from harness.storage.result import read_result
from harness.tracking.store import SyncReport, sync


def send(runs: Sequence[Path], folder: Path, uri: str, experiment: str) -> bool:
    """Send each run and print the contents of the store; return False if a run is incomplete.

    Args:
        runs: run folders; without any, all finished ones of `folder`.
        folder: the folder that holds run folders.
        uri: the tracking URI of the store.
        experiment: one for all of them; the name of each run's recipe by default.

    Raises:
        RunError: there is nothing to send, or a folder has no result; nothing was sent then.
    """
    if not uri:
        raise RunError("--tracking none: there is no store to send to")
    folders = list(runs) or sorted(file.parent for file in folder.glob("*/result.json"))
    if not folders:
        raise RunError(
            f"{folder}: there is no finished run; name run folders, or set their folder with --runs"
        )
    if without := [run for run in folders if not (run / "result.json").is_file()]:
        raise RunError(f"{without[0]}: no run folder with a result; `nca run` makes one")
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"to {uri}", markup=False)
    complete = True
    for run in folders:
        report = sync_run(run, uri, experiment)
        if report.failed:
            complete = False
            console.print(f"{run.name}: failed: {report.failed}", style="red", markup=False)
        else:
            console.print(f"{run.name}: {_contents(report)}", markup=False)
    return complete


def sync_run(run: Path, uri: str, experiment: str = "") -> SyncReport:
    """Copy a run folder, with its scores compared once, to an MLflow store.

    Args:
        run: a run folder with a `result.json`.
        uri: `sqlite:///file`, `http://host:port` or another tracking URI.
        experiment: the name of the recipe by default.

    Raises:
        RunError: it is no run folder, or has no readable result.
    """
    return sync(run, uri, compared_cells(read_result(run)), experiment)


def _contents(report: SyncReport) -> str:
    new = f"{report.sent:,} new" if report.sent else "none new"
    models = "1 checkpoint" if report.models == 1 else f"{report.models} checkpoints"
    contents = f"{report.runs} runs, {report.points:,} points ({new}), {models}"
    return f"experiment {report.experiment} holds {contents}, {report.files} files and tables"

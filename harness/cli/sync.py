"""`nca sync`: local runs sent to a tracking store, as often as one likes."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from harness.errors import RunError
from harness.report.compare.comparison import compared_cells
from harness.storage.result import read_result
from harness.tracking.store import SyncReport, sync


def send(runs: Sequence[Path], folder: Path, uri: str, experiment: str) -> bool:
    """Send each run and print what the store holds of it; whether it holds everything.

    Args:
        runs: run folders; without any, all finished ones of `folder`.
        folder: of run folders.
        uri: of the store.
        experiment: one for all of them; the name of each run's recipe by default.

    Raises:
        RunError: there is nothing to send; or one of them is no run folder with a result, which is
            said before anything is sent.
    """
    if not uri:
        raise RunError("--tracking none: there is no store to send to")
    found = list(runs) or sorted(file.parent for file in folder.glob("*/result.json"))
    if not found:
        raise RunError(
            f"{folder}: no finished run there; name run folders, or their folder: --runs"
        )
    if without := [run for run in found if not (run / "result.json").is_file()]:
        raise RunError(f"{without[0]}: no run folder with a result; `nca run` makes one")
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"to {uri}", markup=False)
    reports = [_told(run, sync_run(run, uri, experiment), console) for run in found]
    return not any(report.failed for report in reports)


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


def _told(run: Path, report: SyncReport, console: Console) -> SyncReport:
    if report.failed:
        said = f"{run.name}: failed: {report.failed}"
        console.print(said, style="red", markup=False)
    else:
        console.print(f"{run.name}: {_held(report)}", markup=False)
    return report


def _held(report: SyncReport) -> str:
    new = f"{report.sent:,} new" if report.sent else "none new"
    models = "1 checkpoint" if report.models == 1 else f"{report.models} checkpoints"
    held = f"{report.runs} runs, {report.points:,} points ({new}), {models}"
    return f"experiment {report.experiment} holds {held}, {report.files} files and tables"

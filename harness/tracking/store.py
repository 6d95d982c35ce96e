"""MLflow as a sink: the run folder is the truth, and `sync` copies it as often as one likes.

One MLflow run a recipe run and, below it, one a training and one a checkpoint's evaluation, found
again by the tags `nca.run_key` and `nca.part`; a checkpoint is a logged model. Only what the store
lacks is sent, so a second sync adds nothing. A store that is down, slow or full ends in a report
with `failed` set, never in an exception.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import RunError
from harness.stats.cells import Cell
from harness.storage.atomic_files import read_json, write_json
from harness.storage.hashing import file_digest
from harness.storage.locks import exclusive
from harness.storage.result import Result, read_result
from harness.storage.run_folder import RunFolder
from harness.tracking.artifacts import absent
from harness.tracking.lineage import parts
from harness.tracking.opening import experiment as experiment_of
from harness.tracking.opening import one_line, open_store, short_timeouts
from harness.tracking.records import Part
from harness.tracking.sending import Store, Times


@dataclass(frozen=True, slots=True)
class SyncReport:
    """The outcome of a sync; all counts but `sent` are read back from the store at the end.

    Attributes:
        uri: the tracking URI of the store.
        experiment: name of the experiment.
        experiment_id: its id, empty if the store was not reached.
        runs: number of MLflow runs that hold this run.
        points: number of metric points of this run.
        models: number of checkpoints, as logged models.
        files: number of files and sample tables.
        sent: number of points that the store lacked before.
        failed: the reason why the store does not hold everything; empty if it does.
    """

    uri: str
    experiment: str
    experiment_id: str = ""
    runs: int = 0
    points: int = 0
    models: int = 0
    files: int = 0
    sent: int = 0
    failed: str = ""


def sync(run: Path, uri: str, cells: Iterable[Cell], experiment: str = "") -> SyncReport:
    """Copy a run folder to an MLflow store; records that it holds already are left alone.

    Args:
        run: a run folder with a `result.json`.
        uri: `sqlite:///file`, `http://host:port` or another tracking URI.
        cells: the scores of the run, compared with its baseline.
        experiment: created if the store has none of this name; the recipe's name by default.

    Raises:
        RunError: it is no run folder, or has no readable result. A store's failure is no error: it
            is in the report.
    """
    if run.is_file():
        raise RunError(f"{run}: a file; a store is sent run folders (runs/...)")
    result = read_result(run)
    report = SyncReport(uri, experiment or result.recipe)
    try:
        with short_timeouts(), exclusive(RunFolder(run).tracking / "sync.lock"):
            return _synced(run, result, cells, report)
    except Exception as error:  # a sink must never stop what it records: the report says why
        return replace(report, failed=one_line(error))


def _synced(run: Path, result: Result, cells: Iterable[Cell], report: SyncReport) -> SyncReport:
    client = open_store(report.uri)
    report = replace(report, experiment_id=experiment_of(client, report.uri, report.experiment))
    key = f"{result.recipe}-{result.key}"
    store = Store(client, report.experiment_id, key, _times(RunFolder(run)))
    contents, runs = parts(run, result, cells), store.runs()
    parent, models = "", dict[str, str]()
    for part in contents:
        sent = store.send(part, runs.get(part.part), parent, models)
        parent, models = parent or sent.run_id, dict(sent.models)
        report = replace(report, points=report.points + sent.points, sent=report.sent + sent.sent)
    return _read_back(store, contents, models, report)


def _read_back(
    store: Store, contents: tuple[Part, ...], models: Mapping[str, str], report: SyncReport
) -> SyncReport:
    """Return the report with counts read from the store.

    Raises:
        RuntimeError: a record that was sent is not in the store.
    """
    runs, files = store.runs(), 0
    for part in contents:
        run = runs.get(part.part)
        held = run.data.metrics if run else {}
        lost = [p.name for p in part.points if p.name not in held]
        lost += absent(store.client, run.info.run_id, part) if run else [part.part]
        if lost:
            raise RuntimeError(f"{lost[0]} of {part.name} is not in the store after it was sent")
        files += len(part.files) + len(part.tables)
    kept = [name for name in models if store.client.get_logged_model(models[name])]
    return replace(report, runs=len(contents), models=len(kept), files=files)


def _times(folder: RunFolder) -> Times:
    """Return the times kept in the run folder: equal content is always sent with equal times."""
    file, now = folder.tracking / "times.json", int(time.time() * 1000)
    times, digest = read_json(file) or {}, file_digest(folder.result)
    if times.get("digest") != digest:
        # A clock may have been set back: the newest point of a metric is the one with the latest
        # time, and no run ends before it starts.
        later = max(now, times.get("result", now - 1) + 1)
        times = {"started": times.get("started", later), "digest": digest, "result": later}
        write_json(file, times)
    return Times(times["started"], times["result"])

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
from harness.storage.result import Result, read_result
from harness.storage.run_folder import RunFolder, file_digest, read_json, write_json
from harness.tracking.artifacts import absent
from harness.tracking.lineage import parts
from harness.tracking.opening import experiment as experiment_of
from harness.tracking.opening import locked, one_line, open_store, patient
from harness.tracking.records import Part
from harness.tracking.sending import Store, Times


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did; all counts but `sent` are of what the store holds, read back at the end.

    Attributes:
        uri: of the store.
        experiment: its name there.
        experiment_id: its id there, empty when it was not reached.
        runs: MLflow runs that hold this run.
        points: metric points of this run.
        models: checkpoints, as logged models.
        files: files and sample tables.
        sent: points that it lacked before.
        failed: why the store does not hold everything; empty when it does.
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
    """Copy a run folder to an MLflow store; what is there already is left alone.

    Args:
        run: a run folder with a `result.json`.
        uri: `sqlite:///file`, `http://host:port` or another tracking URI.
        cells: the scores of the run, compared with its baseline.
        experiment: made when the store has none of this name; the recipe's name by default.

    Raises:
        RunError: it is no run folder, or has no readable result. A store's failure is no error: it
            is in the report.
    """
    if run.is_file():
        raise RunError(f"{run}: a file; a store is sent run folders (runs/...)")
    result = read_result(run)
    report = SyncReport(uri, experiment or result.recipe)
    try:
        with patient(), locked(RunFolder(run).tracking / "sync.lock"):
            return _synced(run, result, cells, report)
    except Exception as error:  # a sink must never stop what it records: the report says why
        return replace(report, failed=one_line(error))


def _synced(run: Path, result: Result, cells: Iterable[Cell], report: SyncReport) -> SyncReport:
    client = open_store(report.uri)
    report = replace(report, experiment_id=experiment_of(client, report.uri, report.experiment))
    key = f"{result.recipe}-{result.key}"
    store = Store(client, report.experiment_id, key, _times(RunFolder(run)))
    found, known, parent, models = parts(run, result, cells), store.runs(), "", dict[str, str]()
    for part in found:
        sent = store.send(part, known.get(part.part), parent, models)
        parent, models = parent or sent.run_id, dict(sent.models)
        report = replace(report, points=report.points + sent.points, sent=report.sent + sent.sent)
    return _read_back(store, found, models, report)


def _read_back(
    store: Store, found: tuple[Part, ...], models: Mapping[str, str], report: SyncReport
) -> SyncReport:
    """The report with counts as the store has them now.

    Raises:
        RuntimeError: it has less than it was sent.
    """
    runs, files = store.runs(), 0
    for part in found:
        run = runs.get(part.part)
        held = run.data.metrics if run else {}
        lost = [p.name for p in part.points if p.name not in held]
        lost += absent(store.client, run.info.run_id, part) if run else [part.part]
        if lost:
            raise RuntimeError(f"{lost[0]} of {part.name} is not there after it was sent")
        files += len(part.files) + len(part.tables)
    kept = [name for name in models if store.client.get_logged_model(models[name])]
    return replace(report, runs=len(found), models=len(kept), files=files)


def _times(folder: RunFolder) -> Times:
    """Times kept in the run folder: equal content is sent with equal times, always."""
    file, now = folder.tracking / "times.json", int(time.time() * 1000)
    known, digest = read_json(file) or {}, file_digest(folder.result)
    if known.get("digest") != digest:
        # A clock may have been set back: the newest point of a metric is the one with the latest
        # time, and no run ends before it starts.
        later = max(now, known.get("result", now - 1) + 1)
        known = {"started": known.get("started", later), "digest": digest, "result": later}
        write_json(file, known)
    return Times(known["started"], known["result"])

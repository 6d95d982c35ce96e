"""MLflow as a sink: the run folder is the truth, and `sync` copies it as often as one likes.

One MLflow run a recipe run and, below it, one a training and one a checkpoint's evaluation, found
again by the tags `nca.run_key` and `nca.part`; a checkpoint is a logged model. Only what the store
lacks is sent, so a second sync adds nothing. A store that is down, slow or full ends in a report
with `failed` set, never in an exception.

The result file of each run of a recipe is an artifact there, so a table made from a store, by
`mlflow:EXPERIMENT` or `mlflow:EXPERIMENT/RUN`, equals the one made from the run folder.
"""

import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.errors import RunError
from harness.stats.cells import Cell
from harness.storage.atomic_files import read_json, write_json
from harness.storage.hashing import file_digest
from harness.storage.locks import exclusive
from harness.storage.result import Result, read_result
from harness.storage.run_folder import RunFolder
from harness.tracking.lineage import parts
from harness.tracking.opening import experiment as experiment_of
from harness.tracking.opening import one_line, open_store, short_timeouts, store_exists
from harness.tracking.records import Part
from harness.tracking.sending import Store

PREFIX = "mlflow:"
_RESULT = "result.json"


@dataclass(frozen=True, slots=True)
class SyncReport:
    """The outcome of a sync; all counts but `sent` are read back from the store at the end.

    Attributes:
        experiment_id: empty if the store was not reached.
        runs: MLflow runs that hold this run.
        points: metric points of this run.
        models: checkpoints, as logged models.
        files: files and sample tables.
        sent: points that the store lacked before.
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

    `uri` is `sqlite:///file`, `http://host:port` or another tracking URI; `cells` are the scores
    of the run, compared with its baseline; `experiment`, by default the recipe's name, is created
    if the store has none of this name.

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
    store = Store(client, report.experiment_id, key, *_times(RunFolder(run)))
    contents, runs = parts(run, result, cells), store.runs()
    sent = sum(store.send(part, runs.get(part.part)) for part in contents)
    _check_contents(store, contents)
    return replace(
        report,
        runs=len(contents),
        points=sum(len(part.points) for part in contents),
        models=sum(bool(client.get_logged_model(model)) for model in store.models.values()),
        files=sum(len(part.files) + len(part.tables) for part in contents),
        sent=sent,
    )


def _check_contents(store: Store, contents: tuple[Part, ...]) -> None:
    """Raise RuntimeError where the store lacks a record that was sent."""
    runs = store.runs()
    for part in contents:
        run = runs.get(part.part)
        held = run.data.metrics if run else {}
        lost = [p.name for p in part.points if p.name not in held]
        lost += store.absent(run.info.run_id, part) if run else [part.part]
        if lost:
            raise RuntimeError(f"{lost[0]} of {part.name} is not in the store after it was sent")


def _times(folder: RunFolder) -> tuple[int, int]:
    """Return the times kept in the run folder: equal content is always sent with equal times."""
    file, now = folder.tracking / "times.json", int(time.time() * 1000)
    times, digest = read_json(file) or {}, file_digest(folder.result)
    if times.get("digest") != digest:
        # A clock may have been set back: the newest point of a metric is the one with the latest
        # time, and no run ends before it starts.
        later = max(now, times.get("result", now - 1) + 1)
        times = {"started": times.get("started", later), "digest": digest, "result": later}
        write_json(file, times)
    return times["started"], times["result"]


def tracked_results(name: str, uri: str) -> list[Result]:
    """Return the results of an experiment, newest first.

    `name` is `mlflow:EXPERIMENT` or `mlflow:EXPERIMENT/RUN`, as `nca run` named them.

    Raises:
        RunError: the store cannot be read, or it has no such experiment or run; the message lists
            what it has.
    """
    experiment, _, run = name.removeprefix(PREFIX).partition("/")
    if not uri or not store_exists(uri):  # opening one would make it
        raise RunError(f"{uri or name}: no MLflow store there: name one with --tracking")
    try:
        with short_timeouts():
            return _read(open_store(uri), uri, experiment, run)
    except RunError:
        raise
    except Exception as error:  # whatever a store's client raises is about the store
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise RunError(f"{uri}: cannot read the MLflow store ({first}): see --tracking") from error


def _read(client: Any, uri: str, experiment: str, run: str) -> list[Result]:
    stored = client.get_experiment_by_name(experiment)
    if stored is None:
        names = ", ".join(e.name for e in client.search_experiments()) or "nothing"
        raise RunError(f"{uri}: no experiment is called {experiment!r}: there is {names}")
    recipes = client.search_runs([stored.experiment_id], "tags.`nca.part` = 'recipe'")
    runs = {item.info.run_name: item.info.run_id for item in recipes}
    if not runs or (run and run not in runs):
        names = ", ".join(runs) or "nothing that nca has logged"
        raise RunError(
            f"{uri}: experiment {experiment} has no run {run or 'at all'}: it has {names}"
        )
    with tempfile.TemporaryDirectory() as folder:
        chosen = [runs[name] for name in runs if run in ("", name)]
        files = (client.download_artifacts(run_id, _RESULT, folder) for run_id in chosen)
        return [read_result(Path(file)) for file in files]

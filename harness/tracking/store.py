"""MLflow as a sink: the run folder is the truth, and `sync` copies it as often as one likes.

One MLflow run a recipe run and, below it, one a checkpoint, found again by the tags `nca.run_key`
and `nca.part`. Only points that the store lacks are sent, so a second sync adds nothing. A store
that is down, slow or full ends in a report with `failed` set, never in an exception.
"""

import contextlib
import fcntl
import os
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from harness.result import read_result
from harness.runs import RunFolder, file_digest, read_json, write_json
from harness.tracking.lineage import Part, Point, parts

_SQLITE = "sqlite:///"
_HEALTH_S = 3.0
#: Without these MLflow's client waits for minutes on a dead server, and reports home.
_ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
}


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did.

    Attributes:
        uri: of the store.
        experiment: its name there.
        experiment_id: its id there, empty when it was not reached.
        runs: MLflow runs that hold this run (the parent and one a checkpoint).
        points: metric points of this run that the store holds, read back after sending.
        sent: points that it lacked before.
        failed: why the store does not hold everything; empty when it does.
    """

    uri: str
    experiment: str
    experiment_id: str = ""
    runs: int = 0
    points: int = 0
    sent: int = 0
    failed: str = ""


def sync(run: Path, uri: str, experiment: str) -> SyncReport:
    """Copy a run folder to an MLflow store; what is there already is left alone.

    Args:
        run: a run folder with a `result.json`.
        uri: `sqlite:///file`, `http://host:port` or another tracking URI.
        experiment: made when the store has none of this name.

    Raises:
        RunError: the run folder has no readable result. A store's failure is no error: it is in
            the report.
    """
    result = read_result(run)
    report = SyncReport(uri, experiment)
    try:
        with patient(), _locked(RunFolder(run).tracking / "sync.lock"):
            client = open_store(uri)
            report = replace(report, experiment_id=_experiment(client, uri, experiment))
            at = _times(RunFolder(run))
            parent = ""
            for part in parts(run, result):
                tags = {"nca.run_key": f"{result.recipe}-{result.key}", "nca.part": part.part}
                tags |= {"mlflow.parentRunId": parent} if parent else {}
                report, run_id = _copy(client, part, tags, at, report)
                parent = parent or run_id
    except Exception as error:  # a sink must never stop what it records: the report says why
        return replace(report, failed=_reason(error))
    return report


def _copy(
    client: Any, part: Part, tags: Mapping[str, str], at: "_Times", report: SyncReport
) -> tuple[SyncReport, str]:
    """Bring one MLflow run up to date and count what it holds."""
    from mlflow.entities import Metric, Param, RunTag

    run = _find(client, report.experiment_id, tags) or client.create_run(
        report.experiment_id, start_time=at.started, tags=dict(tags), run_name=part.name
    )
    run_id = run.info.run_id
    lacking = _lacking(client, run, part.points)
    client.log_batch(
        run_id,
        metrics=[Metric(p.name, p.value, at.of(p), p.step) for p in lacking],
        # A param cannot be changed: one that is there already stays as it was first written.
        params=[Param(k, v) for k, v in part.params.items() if k not in run.data.params],
        tags=[RunTag(k, v) for k, v in {**part.tags, **tags}.items() if run.data.tags.get(k) != v],
    )
    for file in part.files:
        client.log_artifact(run_id, str(file))
    if run.info.status != "FINISHED":
        client.set_terminated(run_id, "FINISHED", end_time=at.result)
    still = _lacking(client, client.get_run(run_id), part.points) if lacking else []
    if still:
        raise RuntimeError(
            f"{len(still)} of {len(part.points)} points of {part.name} are not there"
        )
    found = replace(
        report,
        runs=report.runs + 1,
        points=report.points + len(part.points),
        sent=report.sent + len(lacking),
    )
    return found, run_id


def _find(client: Any, experiment_id: str, tags: Mapping[str, str]) -> Any:
    wanted = [f"tags.`{key}` = '{tags[key]}'" for key in ("nca.run_key", "nca.part")]
    found = client.search_runs([experiment_id], " and ".join(wanted), max_results=1)
    return found[0] if found else None


def _lacking(client: Any, run: Any, points: tuple[Point, ...]) -> list[Point]:
    """Points that the store does not hold as the latest of their metric and step."""
    series: dict[str, list[Point]] = {}
    for point in points:
        series.setdefault(point.name, []).append(point)
    lacking: list[Point] = []
    for name, wanted in series.items():
        if name not in run.data.metrics:
            lacking += wanted
            continue
        history = client.get_metric_history(run.info.run_id, name)
        latest = {m.step: m.value for m in sorted(history, key=lambda m: m.timestamp)}
        lacking += [p for p in wanted if latest.get(p.step) != p.value]
    return lacking


@dataclass(frozen=True, slots=True)
class _Times:
    """Milliseconds: the run's first sync, and the first sync of its present result."""

    started: int
    result: int

    def of(self, point: Point) -> int:
        """A curve's point keeps the run's time, so that sending it again adds nothing."""
        return self.started if point.name.startswith(("train/", "probe/")) else self.result


def _times(folder: RunFolder) -> _Times:
    """Times kept in the run folder: equal content is sent with equal times, always."""
    file, now = folder.tracking / "times.json", int(time.time() * 1000)
    known, digest = read_json(file) or {}, file_digest(folder.result)
    if known.get("digest") != digest:
        # A clock may have been set back: the newest point of a metric is the one with the latest
        # time, and no run ends before it starts.
        later = max(now, known.get("result", now - 1) + 1)
        known = {"started": known.get("started", later), "digest": digest, "result": later}
        write_json(file, known)
    return _Times(known["started"], known["result"])


def open_store(uri: str) -> Any:
    """A client whose store exists and answers.

    A fresh SQLite store is built under a lock and under another name: several processes that open
    one at once, or a kill while it is built, would leave it damaged.
    """
    if uri.startswith(("http://", "https://")):
        _require_health(uri)
    from mlflow import MlflowClient

    if not uri.startswith(_SQLITE):
        return MlflowClient(tracking_uri=uri)
    store = _sqlite_file(uri)
    with _locked(store.with_name(f".{store.name}.lock")):
        if not store.exists():
            fresh = store.with_name(f".{store.name}.new")
            for left in (fresh, fresh.with_name(f"{fresh.name}-journal")):
                left.unlink(missing_ok=True)  # of a process that was killed here
            MlflowClient(tracking_uri=f"{_SQLITE}{fresh}").search_experiments(max_results=1)
            fresh.replace(store)
        return MlflowClient(tracking_uri=uri)


def store_exists(uri: str) -> bool:
    """False where a SQLite store's file is missing; other stores are only known when asked."""
    return not uri.startswith(_SQLITE) or _sqlite_file(uri).is_file()


def _sqlite_file(uri: str) -> Path:
    return Path(unquote(uri.removeprefix(_SQLITE))).resolve()


def _require_health(uri: str) -> None:
    """Raises OSError within seconds when no MLflow server answers."""
    address = f"{uri.rstrip('/')}/health"
    with urllib.request.urlopen(address, timeout=_HEALTH_S) as answer:  # noqa: S310 - http(s) only
        answer.read(16)


def _experiment(client: Any, uri: str, name: str) -> str:
    """The id of the experiment; its artifacts lie beside a SQLite store, not in the cwd."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    store = _sqlite_file(uri)
    beside = (store.parent / "mlartifacts" / name).as_uri() if uri.startswith(_SQLITE) else None
    try:
        return str(client.create_experiment(name, artifact_location=beside))
    except MlflowException:
        made = client.get_experiment_by_name(name)  # another process was quicker
        if made is None:
            raise
        return str(made.experiment_id)


@contextlib.contextmanager
def patient() -> Iterator[None]:
    """MLflow reads its patience from the environment; what the user set stays."""
    added = {key: text for key, text in _ENVIRONMENT.items() if key not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for key in added:
            os.environ.pop(key, None)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a file lock; the kernel releases it when the process dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _reason(error: Exception) -> str:
    """One line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__

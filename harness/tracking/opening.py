"""Opening an MLflow store, with limits on time: stores are built whole, servers are tried first."""

import contextlib
import os
import sqlite3
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from harness.storage.locks import exclusive

SQLITE = "sqlite:///"
#: The tag of an MLflow run that names the run folder.
RUN_KEY = "nca.run_key"
_HEALTH_S = 3.0
#: The kind of experiment that MLflow's page shows with models and charts, not with chats.
_KIND = {"mlflow.experimentKind": "custom_model_development"}
#: Without these MLflow's client waits minutes for a dead server and sends telemetry.
_ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "DO_NOT_TRACK": "true",
}


def open_store(uri: str) -> Any:
    """Return a client of a store that exists and answers.

    A fresh SQLite store is built under a lock and under another name: several processes that open
    one at once, or a kill while it is built, would leave it damaged.

    Raises:
        OSError: no server answers at an http(s) address, within seconds.
    """
    if uri.startswith(("http://", "https://")):
        address = f"{uri.rstrip('/')}/health"
        with urllib.request.urlopen(address, timeout=_HEALTH_S) as answer:  # noqa: S310 - http(s) only
            answer.read(16)
    from mlflow import MlflowClient

    if not uri.startswith(SQLITE):
        return MlflowClient(tracking_uri=uri)
    store = _sqlite_file(uri)
    with exclusive(store.with_name(f".{store.name}.lock")):
        if not store.exists():
            fresh = store.with_name(f".{store.name}.new")
            for left in (fresh, fresh.with_name(f"{fresh.name}-journal")):
                left.unlink(missing_ok=True)  # of a process that was killed here
            MlflowClient(tracking_uri=f"{SQLITE}{fresh}").search_experiments(max_results=1)
            fresh.replace(store)
        return MlflowClient(tracking_uri=uri)


def store_exists(uri: str) -> bool:
    """Return False if the file of a SQLite store is missing; True for all other stores."""
    return not uri.startswith(SQLITE) or _sqlite_file(uri).is_file()


def holds_run(uri: str, run_key: str) -> bool:
    """Return False where a SQLite store has no run with this key.

    Other stores are only known when they are asked: they count as holding it.
    """
    if not uri.startswith(SQLITE):
        return True
    address = f"{_sqlite_file(uri).as_uri()}?mode=ro"
    query = "select 1 from tags where key = ? and value = ?"
    try:
        with contextlib.closing(sqlite3.connect(address, uri=True)) as store:
            return store.execute(query, (RUN_KEY, run_key)).fetchone() is not None
    except sqlite3.Error:
        return False


def experiment(client: Any, uri: str, name: str) -> str:
    """Return the id of an experiment; create the experiment if there is none of this name.

    Its artifacts lie beside a SQLite store, not in the working directory.
    """
    from mlflow.exceptions import MlflowException

    existing = client.get_experiment_by_name(name)
    if existing is None:
        store = _sqlite_file(uri)
        beside = (store.parent / "mlartifacts" / name).as_uri() if uri.startswith(SQLITE) else None
        try:
            return str(client.create_experiment(name, artifact_location=beside, tags=_KIND))
        except MlflowException:
            existing = client.get_experiment_by_name(name)  # another process was quicker
            if existing is None:
                raise
    return str(existing.experiment_id)


@contextlib.contextmanager
def short_timeouts() -> Iterator[None]:
    """Set MLflow's timeouts in the environment, except those that the user has set."""
    added = {key: text for key, text in _ENVIRONMENT.items() if key not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for key in added:
            os.environ.pop(key, None)


def one_line(error: Exception) -> str:
    """Return an error of the client of a store as one line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


def _sqlite_file(uri: str) -> Path:
    return Path(unquote(uri.removeprefix(SQLITE))).resolve()

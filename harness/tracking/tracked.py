"""Results read back from an MLflow store: `mlflow:EXPERIMENT`, or one run, `mlflow:EXPERIMENT/RUN`.

The result file of each run of a recipe is an artifact there (`harness.tracking.store`), so a table
made from a store equals the one made from the run folder.
"""

import tempfile
from pathlib import Path
from typing import Any

from harness.errors import RunError
from harness.storage.result import Result, read_result
from harness.tracking.opening import open_store, short_timeouts, store_exists

PREFIX = "mlflow:"
_FILE = "result.json"


def tracked_results(name: str, uri: str) -> list[Result]:
    """Return the results of an experiment, newest first.

    Args:
        name: `mlflow:EXPERIMENT` or `mlflow:EXPERIMENT/RUN`, as `nca run` named them.
        uri: of the store.

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
    return [_result(client, runs[name]) for name in runs if run in ("", name)]


def _result(client: Any, run_id: str) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        return read_result(Path(client.download_artifacts(run_id, _FILE, folder)))

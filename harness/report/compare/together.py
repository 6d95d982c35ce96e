"""Several results merged into one, with one row for checkpoints of equal weights."""

from collections.abc import Sequence

from harness.errors import RunError
from harness.storage.result import CheckpointResult, Result


def merged(results: Sequence[Result]) -> Result:
    """Merge results; checkpoints of equal weights become one row.

    Equal weights with another protocol stay rows of their own: the comparison refuses or warns.

    Raises:
        RunError: none was given.
    """
    if not results:
        raise RunError("name at least one run folder or result file")
    rows: dict[str, CheckpointResult] = {}
    for result in results:
        for checkpoint in result.checkpoints:
            name = checkpoint.name
            old = rows.get(name)
            if old is not None and _differ(old, checkpoint):
                name = f"{result.recipe}-{result.key}/{name}"
            old = rows.get(name, checkpoint)
            suites = {**checkpoint.suites, **old.suites}
            rows[name] = checkpoint.model_copy(update={"name": name, "suites": suites})
    return results[0].model_copy(update={"checkpoints": tuple(rows.values())})


def _differ(first: CheckpointResult, second: CheckpointResult) -> bool:
    shared = first.suites.keys() & second.suites.keys()
    return first.fingerprint != second.fingerprint or any(
        first.suites[suite].protocol != second.suites[suite].protocol for suite in shared
    )

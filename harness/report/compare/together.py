"""Several results as one: whatever was asked of equal weights stands in one row."""

from collections.abc import Sequence

from harness.errors import RunError
from harness.storage.result import CheckpointResult, Result


def merged(results: Sequence[Result]) -> Result:
    """One result of several: checkpoints of equal weights are one row.

    Equal weights that were asked otherwise stay rows of their own, so that a comparison says so.

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


def _differ(one: CheckpointResult, other: CheckpointResult) -> bool:
    shared = one.suites.keys() & other.suites.keys()
    return one.fingerprint != other.fingerprint or any(
        one.suites[suite].protocol != other.suites[suite].protocol for suite in shared
    )

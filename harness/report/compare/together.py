"""Several results in one table: equal weights in one row, and only comparable cells in a column."""

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


def checked(result: Result, baseline: str, suite: str, *, allow_mismatch: bool) -> list[str]:
    """Return the warnings that belong to a column: other samples, other protocols, weak tiers.

    Raises:
        RunError: two cells are not comparable; the message names the difference. With
            `allow_mismatch` this is a warning instead.
    """
    scores = result.of_suite(suite)
    keys = {name: {(s.id, s.repeat) for s in score.samples} for name, score in scores.items()}
    reference = baseline if baseline in scores else next(iter(scores))
    ours, mine = scores[reference].protocol, keys[reference]
    differences, mismatches = [], []
    for name in scores:
        theirs, shared = scores[name].protocol, mine & keys[name]
        for key in sorted(ours.keys() | theirs.keys()):
            old, new = ours.get(key, "not stated"), theirs.get(key, "not stated")
            if old != new:
                mismatches.append(f"{suite}: {key} is {old} for {reference} and {new} for {name}")
        if not shared and name != reference:
            mismatches.append(f"{suite}: {reference} and {name} share no sample")
        if keys[name] != mine:
            differences.append(
                f"{suite}: {reference} has {len(mine)} samples and {name} {len(keys[name])}; "
                f"the difference uses the {len(shared)} shared ones"
            )
    if mismatches and not allow_mismatch:
        raise RunError(
            f"{mismatches[0]}: these scores are not comparable; evaluate both the same way, "
            "or see them side by side with --allow-mismatch"
        )
    tiers = {score.protocol.get("tier", "A") for score in scores.values()}
    weak = [
        f"{suite}: its programs were contained on tier {tier}, not A (docs/explanation/security.md)"
        for tier in sorted(tiers - {"A"})
    ]
    return [*differences, *mismatches, *weak]

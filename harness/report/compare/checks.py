"""Checks that the cells of a column are comparable: same samples, same protocol."""

from collections.abc import Iterator, Sequence

from harness.errors import RunError
from harness.storage.result import Result, SampleResult, SuiteResult


def checked(result: Result, baseline: str, suite: str, *, allow_mismatch: bool) -> list[str]:
    """Return the warnings that belong to a column.

    Raises:
        RunError: two cells are not comparable; the message names the difference. With
            `allow_mismatch` this is a warning instead.
    """
    mismatches = list(_mismatches(result, baseline, suite))
    if mismatches and not allow_mismatch:
        raise RunError(
            f"{mismatches[0]}: these scores are not comparable; evaluate both the same way, "
            "or see them side by side with --allow-mismatch"
        )
    return [
        *_sample_differences(result, baseline, suite),
        *mismatches,
        *_tiers(result, suite),
    ]


def _sides(result: Result, baseline: str, suite: str) -> Iterator[tuple[str, str, SuiteResult]]:
    """Yield (name, reference, score) of each checkpoint with the suite, the reference first."""
    have = [c.name for c in result.checkpoints if suite in c.suites]
    reference = baseline if baseline in have else have[0]
    for name in sorted(have, key=lambda n: n != reference):
        yield name, reference, result.checkpoint(name).suites[suite]


def _mismatches(result: Result, baseline: str, suite: str) -> Iterator[str]:
    """Yield each reason against a comparison: another protocol, or no shared sample."""
    (_, reference, ours), *others = _sides(result, baseline, suite)
    for name, _, theirs in others:
        for key in sorted(ours.protocol.keys() | theirs.protocol.keys()):
            old, new = ours.protocol.get(key, "not stated"), theirs.protocol.get(key, "not stated")
            if old != new:
                yield f"{suite}: {key} is {old} for {reference} and {new} for {name}"
        if not _keys(ours.samples) & _keys(theirs.samples):
            yield f"{suite}: {reference} and {name} share no sample"


def _tiers(result: Result, suite: str) -> list[str]:
    """Return a warning for each containment tier weaker than A."""
    tiers = {
        c.suites[suite].protocol.get("tier", "A") for c in result.checkpoints if suite in c.suites
    }
    return [
        f"{suite}: its programs were contained on tier {tier}, not A (docs/explanation/security.md)"
        for tier in sorted(tiers - {"A"})
    ]


def _sample_differences(result: Result, baseline: str, suite: str) -> list[str]:
    (_, reference, ours), *others = _sides(result, baseline, suite)
    mine = _keys(ours.samples)
    return [
        f"{suite}: {reference} has {len(mine)} samples and {name} {len(keys)}; "
        f"the difference uses the {len(mine & keys)} shared ones"
        for name, _, theirs in others
        if (keys := _keys(theirs.samples)) != mine
    ]


def _keys(samples: Sequence[SampleResult]) -> set[tuple[str, int]]:
    return {(sample.id, sample.repeat) for sample in samples}

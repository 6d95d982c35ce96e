"""Values by prompt: of one checkpoint, and of several on their shared prompts."""

from collections.abc import Mapping

from harness.storage.result import SuiteResult


def values(suite: SuiteResult) -> dict[str, float]:
    """Return the mean of each sample id over its repeats that have a value."""
    return {sample: sum(own) / len(own) for sample, own in answers(suite).items()}


def paired_values(first: SuiteResult, second: SuiteResult) -> tuple[list[float], list[float]]:
    """Return both series on their shared prompts, repeats averaged, sorted by sample id.

    Only pairs (sample id, repeat) that have a value in both count.
    """
    ours, theirs = shared_values([first, second])
    return ours, theirs


def shared_values(suites: list[SuiteResult]) -> list[list[float]]:
    """Return a series for each suite result on the shared prompts, as `paired_values`."""
    tables = list(map(by_repeat, suites))
    shared = set.intersection(*map(set, tables))
    groups = [_by_prompt({key: table[key] for key in shared}) for table in tables]
    return [[sum(own) / len(own) for own in by_prompt.values()] for by_prompt in groups]


def answers(suite: SuiteResult) -> dict[str, list[float]]:
    """Return the values of the repeats of each sample id."""
    return _by_prompt(by_repeat(suite))


def by_repeat(suite: SuiteResult) -> dict[tuple[str, int], float]:
    """Return the values that there are, by sample id and repeat."""
    return {(s.id, s.repeat): s.value for s in suite.samples if s.value is not None}


def _by_prompt(table: Mapping[tuple[str, int], float]) -> dict[str, list[float]]:
    groups: dict[str, list[float]] = {}
    for (sample, _repeat), value in sorted(table.items()):
        groups.setdefault(sample, []).append(value)
    return groups

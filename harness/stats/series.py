"""Values by prompt: of one checkpoint, and of several on their shared prompts."""

from collections.abc import Mapping

from harness.stats.clusters import cluster_means
from harness.storage.result import SuiteResult


def values(suite: SuiteResult) -> dict[str, float]:
    """Return the mean of each sample id over its repeats that have a value."""
    return _means(by_repeat(suite))


def paired_values(first: SuiteResult, second: SuiteResult) -> tuple[list[float], list[float]]:
    """Return both series on their shared prompts, repeats averaged, sorted by sample id.

    Only pairs (sample id, repeat) that have a value in both count.
    """
    ours, theirs = shared_values([first, second])
    return ours, theirs


def shared_values(suites: list[SuiteResult]) -> list[list[float]]:
    """Return a series for each suite result on the shared prompts, as `paired_values`."""
    tables = [by_repeat(suite) for suite in suites]
    shared = sorted(set.intersection(*(set(table) for table in tables)))
    means = [_means({key: table[key] for key in shared}) for table in tables]
    return [[by_prompt[i] for i in sorted(by_prompt)] for by_prompt in means]


def answers(suite: SuiteResult) -> dict[str, list[float]]:
    """Return the values of the repeats of each sample id."""
    by_prompt: dict[str, list[float]] = {}
    for (sample, _repeat), value in sorted(by_repeat(suite).items()):
        by_prompt.setdefault(sample, []).append(value)
    return by_prompt


def by_repeat(suite: SuiteResult) -> dict[tuple[str, int], float]:
    """Return the values that there are, by sample id and repeat."""
    return {(s.id, s.repeat): s.value for s in suite.samples if s.value is not None}


def _means(table: Mapping[tuple[str, int], float]) -> dict[str, float]:
    keys = sorted(table)
    return cluster_means([table[key] for key in keys], [sample for sample, _repeat in keys])

"""Values by prompt: one checkpoint's, and two checkpoints' on the prompts that both have."""

from collections.abc import Mapping

from harness.stats.clusters import cluster_means
from harness.storage.result import SuiteResult

Key = tuple[str, int]


def values(suite: SuiteResult) -> dict[str, float]:
    """Sample id -> mean over its repeats that have a value."""
    return _means(_table(suite))


def paired_values(first: SuiteResult, second: SuiteResult) -> tuple[list[float], list[float]]:
    """Both series on the prompts they share, repeats averaged, sorted by sample id.

    Only pairs (sample id, repeat) that have a value in both count.
    """
    one, two = shared_values([first, second])
    return one, two


def shared_values(suites: list[SuiteResult]) -> list[list[float]]:
    """A series for each, on the prompts that all of them share; as `paired_values`."""
    tables = [_table(suite) for suite in suites]
    shared = sorted(set.intersection(*(set(table) for table in tables)))
    means = [_means({key: table[key] for key in shared}) for table in tables]
    return [[found[i] for i in sorted(found)] for found in means]


def answers(suite: SuiteResult) -> dict[str, list[float]]:
    """Sample id -> the values of its repeats."""
    found: dict[str, list[float]] = {}
    for (sample, _repeat), value in sorted(_table(suite).items()):
        found.setdefault(sample, []).append(value)
    return found


def _table(suite: SuiteResult) -> dict[Key, float]:
    return {(s.id, s.repeat): s.value for s in suite.samples if s.value is not None}


def _means(table: Mapping[Key, float]) -> dict[str, float]:
    keys = sorted(table)
    return cluster_means([table[key] for key in keys], [sample for sample, _repeat in keys])

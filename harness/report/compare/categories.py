"""One suite by category: MT-bench's writing, roleplay, ...; any suite that counts its parts."""

from dataclasses import dataclass

from harness.stats.clusters import cluster_means
from harness.stats.intervals import mean_intervals
from harness.stats.records import Interval
from harness.storage.result import SuiteResult


@dataclass(frozen=True, slots=True)
class Category:
    """A checkpoint on a part of a suite; no interval where samples do not say their part."""

    name: str
    value: float
    interval: Interval | None


def categories(score: SuiteResult) -> tuple[Category, ...]:
    """Return the categories in a suite's metrics, named `<category>/<headline>` there."""
    return tuple(
        Category(key.rpartition("/")[0], value, _interval(score, key))
        for key, value in score.metrics.items()
        if key.endswith(f"/{score.headline}")
    )


def _interval(score: SuiteResult, key: str) -> Interval | None:
    having = [sample for sample in score.samples if key in sample.metrics]
    if not having:
        return None
    means = cluster_means([s.metrics[key] for s in having], [s.id for s in having])
    graded = score.bounds != (0.0, 1.0)
    return mean_intervals([list(means.values())], 0, graded=graded)[0]

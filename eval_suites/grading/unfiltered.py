"""Means over all samples, also those without a value by our reading.

`mean_metrics` leaves a sample out whose value is missing. Upstream's own number does not: it drops
only what upstream cannot read.
"""

from collections.abc import Sequence

from eval_suites.scores import Score


def column(scores: Sequence[Score], *names: str) -> list[float]:
    """The values of these metrics over the scores that carry them."""
    return [score.metrics[name] for name in names for score in scores if name in score.metrics]


def means_of(scores: Sequence[Score], *names: str) -> dict[str, float]:
    """Mean of each metric over all scores that carry it; absent where none does."""
    columns = {name: column(scores, name) for name in names}
    return {name: sum(values) / len(values) for name, values in columns.items() if values}

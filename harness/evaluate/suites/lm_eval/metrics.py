"""The metrics of lm-eval: numbers of one document for the sample log, and of all together.

A metric that lm-eval averages is a number of each document. Of the others (a perplexity, an F1)
a document has parts, which are kept under names with a slash and put together at the end by
lm-eval's own function. Metrics of texts (bleu) cannot be kept as numbers and are left out.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval_suites.errors import DataError
from eval_suites.scores import Score, mean_metrics

Aggregation = Callable[[Sequence[Any]], Any]
_PARTS = "parts/"


@dataclass(frozen=True, slots=True)
class Metrics:
    """A task's metrics by name (`name:filter` where it has several filters).

    `aggregations` are those that are no plain mean, by the metric's name in lm-eval.
    """

    aggregations: Mapping[str, Aggregation]

    def of(self, name: str, value: Any) -> dict[str, float]:
        """Return the numbers kept of one document's value of a metric; none where it is no number.

        `name` has the filter, and `value` is as `process_results` gives it.
        """
        if name.partition(":")[0] not in self.aggregations:
            return _finite({name: _number(value)})
        parts = value if isinstance(value, tuple) else (value,)
        numbers = {f"{_PARTS}{name}.{k}": _number(part) for k, part in enumerate(parts)}
        finite = _finite(numbers)
        return finite if len(finite) == len(numbers) else {}  # a part is no use without the others

    def together(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the metrics of all documents that have a value."""
        means = mean_metrics(scores)
        parts = [name for name in means if name.startswith(_PARTS)]
        whole = sorted({name.removeprefix(_PARTS).rpartition(".")[0] for name in parts})
        plain = {name: mean for name, mean in means.items() if name not in parts}
        graded = [score.metrics for score in scores if score.value is not None]
        return _finite({**plain, **{name: self._whole(name, graded) for name in whole}})

    def _whole(self, name: str, graded: Sequence[Mapping[str, float]]) -> float | None:
        items: list[Any] = []
        for metrics in graded:
            keys = (f"{_PARTS}{name}.{k}" for k in range(len(metrics)))
            if parts := [metrics[key] for key in keys if key in metrics]:
                items.append(parts[0] if len(parts) == 1 else tuple(parts))
        return _number(self.aggregations[name.partition(":")[0]](items))


def metrics_of(task: Any) -> Metrics:
    """Return the metrics of a task, with those that lm-eval aggregates otherwise than by a mean.

    Raises:
        eval_suites.DataError: an aggregation that lm-eval does not know.
    """
    from lm_eval.api.metrics import mean, nanmean

    aggregations = task.aggregation().items()
    if unknown := [name for name, how in aggregations if how is None]:
        raise DataError(f"lm-eval does not know the aggregation of metric {unknown[0]}")
    return Metrics(
        {plain_name(name): how for name, how in aggregations if how not in (mean, nanmean)}
    )


def plain_name(name: str) -> str:
    """Return a metric's or filter's name for tables and trackers: `pass_at_1` for `pass@1`."""
    return re.sub(r"[^\w. -]", "_", name.replace("@", "_at_"))


def _number(value: Any) -> float | None:
    """Return a Python or NumPy number as a float; None for anything else."""
    plain = value.item() if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else value
    return float(plain) if isinstance(plain, int | float) else None


def _finite(numbers: Mapping[str, float | None]) -> dict[str, float]:
    """Return those that are finite, as JSON and a table take them."""
    return {k: value for k, value in numbers.items() if value is not None and math.isfinite(value)}

"""The score of a sample: a value and a status, which are separate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

#: Caused by the model: the sample stays in n and its value is what the scorer says.
ModelStatus = Literal["ok", "truncated", "unparsed", "empty", "overflow", "timeout"]
#: Caused by us or a third party: the value is None and the headline is withheld.
HarnessStatus = Literal["ungraded", "judge_missing", "filtered", "infra"]
Status = ModelStatus | HarnessStatus
HARNESS_STATUSES: tuple[str, ...] = get_args(HarnessStatus)


@dataclass(frozen=True, slots=True)
class Score:
    """The score of one sample.

    Attributes:
        value: the headline metric of this sample (a fraction from 0 to 1, or a rating); None when
            the status says that we, not the model, failed.
        status: the outcome of the sample.
        extracted: the answer that was read in the text.
        reason: an explanation of a lost or wrong answer.
        metrics: every metric by name, the headline among them; a metric of a subset carries it in
            its name (`level_3/accuracy`) and is absent from other samples.
    """

    value: float | None
    status: Status = "ok"
    extracted: str | None = None
    reason: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)


def mean_metrics(scores: Sequence[Score]) -> dict[str, float]:
    """Return the mean of each metric over the scores that carry it and have a value."""
    valued = [score for score in scores if score.value is not None]
    return means_of(valued, *sorted({name for score in valued for name in score.metrics}))


def column(scores: Sequence[Score], *names: str) -> list[float]:
    """Return the values of some metrics over all scores that carry them."""
    return [score.metrics[name] for name in names for score in scores if name in score.metrics]


def means_of(scores: Sequence[Score], *names: str) -> dict[str, float]:
    """Return the mean of each metric over all scores that carry it, with or without a value.

    `mean_metrics` leaves a sample out whose value is missing by our reading. Upstream's own number
    does not: it drops only what upstream cannot read.
    """
    columns = {name: column(scores, name) for name in names}
    return {name: sum(values) / len(values) for name, values in columns.items() if values}

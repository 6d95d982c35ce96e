"""What training did to the likelihood of good and bad responses, on held-out prompts.

This is what the method is about: some objectives widen the margin by lowering both responses,
others hold the best one up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.result import Result
from harness.statistics import Mean, mean


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Change since step 0 at one step, over held-out prompts.

    Attributes:
        checkpoint: its name.
        step: optimiser steps done.
        best: change of the best response's summed log-probability, nats.
        worst: the same of the worst response.
        margin: change of best minus worst, nats.
        rose: share of prompts whose best response became more likely, 0 to 1.
    """

    checkpoint: str
    step: int
    best: Mean
    worst: Mean
    margin: Mean
    rose: float


def trend(checkpoint: str, probe: Sequence[Mapping[str, Any]]) -> tuple[Likelihood, ...]:
    """The change at every probed step against the first.

    Args:
        checkpoint: its name.
        probe: records with `step` and, under `logps`, one list a rank with one value a prompt.
    """
    if not probe:
        return ()
    first = probe[0]["logps"]
    return tuple(_change(checkpoint, record, first) for record in probe)


def likelihood(result: Result) -> tuple[Likelihood, ...]:
    """The change at the last probed step of every checkpoint that was trained with a probe set."""
    trends = (trend(c.name, c.probe) for c in result.checkpoints)
    return tuple(found[-1] for found in trends if len(found) > 1)


def _change(checkpoint: str, record: Mapping[str, Any], first: Mapping[str, Any]) -> Likelihood:
    best, worst = (
        [now - before for now, before in zip(record["logps"][rank], first[rank], strict=True)]
        for rank in ("best", "worst")
    )
    return Likelihood(
        checkpoint=checkpoint,
        step=record["step"],
        best=mean(best),
        worst=mean(worst),
        margin=mean([b - w for b, w in zip(best, worst, strict=True)]),
        rose=sum(b > 0 for b in best) / len(best),
    )

"""The change of the likelihood of good and bad responses in training, on probe prompts.

This is what the method is about: some objectives widen the margin by lowering both responses,
others hold the best one up. Changes are against the reference, which is the model at step 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.stats.records import Mean
from harness.storage.result import Result


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Change since step 0, over the prompts of a probe.

    Attributes:
        checkpoint: its name.
        step: optimiser steps done.
        best: change of the best response's summed log-probability, nats.
        worst: the same of the worst response.
        margin: change of best minus worst, nats; logged without an error.
        rose: share of prompts whose best response became more likely, 0 to 1; None if not logged.
        trained_on: how many of the probe's prompts were trained on too; None if not logged.
    """

    checkpoint: str
    step: int
    best: Mean
    worst: Mean
    margin: Mean
    rose: float | None
    trained_on: int | None = None


def trend(checkpoint: str, probe: Sequence[Mapping[str, Any]]) -> tuple[Likelihood, ...]:
    """Return the change at every probed step.

    Args:
        checkpoint: its name.
        probe: records of `steps.jsonl` (`train.trainer.metrics.summarise`), in order of their
            steps. One in which no prompt had a best and a worst response is left out.
    """
    return tuple(
        _change(checkpoint, record)
        for record in probe
        if record.get("logratio_best") is not None and record.get("logratio_worst") is not None
    )


def likelihood(result: Result) -> tuple[Likelihood, ...]:
    """Return the change at the last step of each checkpoint that was probed after step 0."""
    trends = (trend(c.name, c.probe) for c in result.checkpoints)
    return tuple(points[-1] for points in trends if points and points[-1].step > 0)


def prompts_named(rows: Sequence[Likelihood]) -> str:
    """Return the words for the prompts of these rows: held out, trained on, or neither."""
    kinds = {_kind(row) for row in rows}
    return kinds.pop() if len(kinds) == 1 else "probe prompts"


def _kind(row: Likelihood) -> str:
    names = {0: "held-out prompts", row.best.n: "prompts that were trained on"}
    return "probe prompts" if row.trained_on is None else names.get(row.trained_on, "probe prompts")


def _change(checkpoint: str, record: Mapping[str, Any]) -> Likelihood:
    best, worst = (
        Mean(record[key], record.get(f"{key}_se"), record["prompts"])
        for key in ("logratio_best", "logratio_worst")
    )
    return Likelihood(
        checkpoint=checkpoint,
        step=record["step"],
        best=best,
        worst=worst,
        margin=Mean(best.value - worst.value, record.get("logratio_margin_se"), best.n),
        rose=record.get("best_rose"),
        trained_on=record.get("trained_on"),
    )

"""The check that before the first update the policy is the reference."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import nn

from train.data.tokens import TokenGroup
from train.errors import TrainError
from train.model.logprobs import Form, logprobs
from train.trainer.batch_loss import EXACT, Item, LossSettings
from train.trainer.metrics import BatchScores

_UNEXPLAINED = (
    "no setting of this run explains it, so the cached value is of other weights or another dtype: "
    "remove reference.sqlite from the cache folder and run again"
)


def tolerance(
    model: nn.Module, groups: Sequence[TokenGroup], form: Form, dtype: str, prompts_per_batch: int
) -> float:
    """Return the nats a response by which policy and reference may differ before the first update.

    In bf16 a log-probability depends on the rest of its batch. The tolerance there is twice the
    largest difference of the reference (`model`) to itself on the prompts of the first step, in
    micro-batches and each alone; in fp32 it is `EXACT`.
    """
    if dtype == "float32":
        return EXACT
    together, alone = (_logps(model, groups, form, size) for size in (prompts_per_batch, 1))
    return max([EXACT, *(2 * abs(a - b) for a, b in zip(together, alone, strict=True))])


def _logps(model: nn.Module, groups: Sequence[TokenGroup], form: Form, size: int) -> list[float]:
    """Compute every response's log-probability, `size` prompts a batch."""
    values: list[float] = []
    for start in range(0, len(groups), size):
        part = groups[start : start + size]
        with torch.no_grad():
            sums, _ = logprobs(model, part, form)
        for row, group in zip(sums.tolist(), part, strict=True):
            values += row[: len(group.responses)]
    return values


def check_against_reference(
    policy: nn.Module | None, scores: BatchScores, items: Sequence[Item], settings: LossSettings
) -> None:
    """Check, before the first update, that the policy is the reference, as `scores` say.

    On a difference the policy is run again to find the reason, unless it is None, because one
    process alone cannot run it.

    Raises:
        TrainError: a response differs by more than is allowed; the worst one is named, and the
            setting that makes the difference.
    """
    if not items:
        return
    gap = (scores.logps - scores.ref_logps).abs().masked_fill(~scores.mask, 0)
    row, column = divmod(int(gap.argmax()), gap.shape[1])  # a NaN is the largest
    if gap[row, column] <= settings.allowed:
        return
    cached, group = float(scores.ref_logps[row, column]), items[row].group
    why = None if policy is None else _explain(policy, group, column, settings, cached)
    raise TrainError(
        f"{group.source}, response {column + 1}: before any update the policy gives "
        f"{scores.logps[row, column]:.4f} nats and the cached reference {cached:.4f} (allowed: "
        f"{settings.allowed:.2g} apart); {why or _UNEXPLAINED}"
    )


def _explain(
    policy: Any, group: TokenGroup, column: int, settings: LossSettings, cached: float
) -> str | None:
    """Find the setting that, changed alone, makes the policy agree with the cached value."""
    for name, form in _changes(policy, settings.form):
        with torch.no_grad():
            sums, _ = logprobs(policy, [group], form)
        if abs(float(sums[0, column]) - cached) <= settings.allowed:
            return name
    return None


def _changes(policy: Any, form: Form) -> Iterator[tuple[str, Form]]:
    """Yield the reasons for a difference and their forms, the policy changed meanwhile."""
    if policy.training:
        policy.eval()
        try:
            yield "dropout is on in the policy: set its dropout to 0", form
        finally:
            policy.train()
    if hasattr(policy, "disable_adapter"):
        with policy.disable_adapter():
            yield "the adapter is not fresh: the reference was computed without it", form
    others: tuple[Form, ...] = ("tree", "padded", "plain")
    for other in others:
        if other != form:
            reason = f"the reference was computed in form {other}, the policy in {form}"
            yield f"{reason}: set `form`", other

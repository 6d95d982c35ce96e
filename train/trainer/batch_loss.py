"""The loss and the scores of a batch of items, through model and objective.

Before the first update the policy must be the reference (`check_against_reference`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from train.data.packing import count_tokens
from train.data.tokens import TokenGroup
from train.errors import TrainError
from train.model.logprobs import Form, logprobs
from train.objectives.objective import Loss
from train.trainer.metrics import BatchScores

#: Nats a response by which policy and reference may differ in fp32, before the first update.
EXACT = 1e-3
_UNEXPLAINED = (
    "no setting of this run explains it, so the cached value is of other weights or another dtype: "
    "remove reference.sqlite from the cache folder and run again"
)


@dataclass(frozen=True, slots=True)
class Item:
    """A prompt with its responses and their log-probabilities under the reference, nats."""

    group: TokenGroup
    reference: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class LossSettings:
    """The objective of a run, and the form in which log-probabilities are computed."""

    loss: Loss
    form: Form
    allowed: float = EXACT  # of policy and reference, nats a response, before the first update


def score_batch(
    model: nn.Module, items: Sequence[Item], settings: LossSettings, idle: Item | None = None
) -> tuple[Tensor, BatchScores]:
    """Compute the losses of a batch, `[B]`, with gradient, and its detached scores.

    The batch of a process that has no prompt left is empty: it takes its part in the exchange with
    others (weights, gradients, the z of KTO) by the item `idle`, which counts for nothing.
    """
    groups = [item.group for item in (items or (idle,)) if item is not None]
    logps, lengths = logprobs(model, groups, settings.form)
    tokens, places = count_tokens(groups, packed=settings.form == "tree") if items else (0, 0)
    losses, scores = _score(items, logps[: len(items)], lengths[: len(items)], settings.loss)
    return losses, replace(scores, tokens=tokens, places=places)


def score_at_reference(items: Sequence[Item], settings: LossSettings) -> BatchScores:
    """Return the scores of a policy that still is the reference, without running a model."""
    logps = _matrix([item.reference for item in items])
    lengths = _matrix([tuple(map(len, item.group.responses)) for item in items])
    return _score(items, logps, lengths.long(), settings.loss)[1]


def _score(
    items: Sequence[Item], logps: Tensor, lengths: Tensor, loss: Loss
) -> tuple[Tensor, BatchScores]:
    device, width = logps.device, logps.shape[1]
    references = _matrix([item.reference for item in items], width).to(device)
    rewards = _matrix([item.group.rewards for item in items], width).to(device)
    counts = torch.tensor([len(item.reference) for item in items])
    mask = (torch.arange(width)[None, :] < counts[:, None]).to(device)
    out = loss(logps, references.to(logps.dtype), rewards, mask, lengths.to(device))
    return out.losses, BatchScores(
        logps=logps.detach().cpu(),
        ref_logps=references.cpu(),
        rewards=rewards.cpu(),
        mask=mask.cpu(),
        lengths=lengths.cpu(),
        implicit=out.implicit_rewards.cpu(),
        losses=out.losses.detach().cpu(),
        entropy=None if out.labels is None else torch.special.entr(out.labels).sum(dim=1).cpu(),
    )


def _matrix(rows: list[tuple[float, ...]], width: int | None = None) -> Tensor:
    """Pad rows with zeros to `[B, K]`, with K = `width` or the longest row."""
    width = width or max(map(len, rows))
    filled = [[*row, *[0.0] * (width - len(row))] for row in rows]
    return torch.tensor(filled).reshape(len(rows), width)


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
    process alone cannot run it. Raises TrainError where a response differs by more than is allowed,
    naming the worst one and the setting that makes the difference.
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

    def agrees(form: Form) -> bool:
        with torch.no_grad():
            sums, _ = logprobs(policy, [group], form)
        return abs(float(sums[0, column]) - cached) <= settings.allowed

    form = settings.form
    if policy.training:
        policy.eval()
        dropout = agrees(form)
        policy.train()
        if dropout:
            return "dropout is on in the policy: set its dropout to 0"
    if hasattr(policy, "disable_adapter"):
        with policy.disable_adapter():
            if agrees(form):
                return "the adapter is not fresh: the reference was computed without it"
    forms: tuple[Form, ...] = ("tree", "padded", "plain")
    if other := next((other for other in forms if other != form and agrees(other)), None):
        return f"the reference was computed in form {other}, the policy in {form}: set `form`"
    return None

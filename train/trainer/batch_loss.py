"""The loss and the scores of a batch of items, through model and objective."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from train.data.packing import count_tokens
from train.data.tokens import TokenGroup
from train.model.logprobs import Form, logprobs
from train.objectives.objective import Loss
from train.trainer.metrics import BatchScores

#: Nats a response by which policy and reference may differ in fp32, before the first update.
EXACT = 1e-3


@dataclass(frozen=True, slots=True)
class Item:
    """A prompt with its responses and their log-probabilities under the reference, nats."""

    group: TokenGroup
    reference: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class LossSettings:
    """The objective of a run, and the form in which log-probabilities are computed.

    `allowed` is the difference of policy and reference, nats a response, before the first update.
    """

    loss: Loss
    form: Form
    allowed: float = EXACT


def score_batch(
    model: nn.Module, items: Sequence[Item], settings: LossSettings, idle: Item | None = None
) -> tuple[Tensor, BatchScores]:
    """Compute the losses of a batch, `[B]`, with gradient, and its detached scores.

    Among several processes, the batch of one that has no prompt left is empty: it still takes its
    part in their exchange (weights, gradients, the z of KTO) by the item `idle`, which counts for
    nothing.
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

"""Items (a prompt, its responses, their reference) through model and objective."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from train.data.packing import count_tokens
from train.data.tokens import TokenGroup
from train.model.logprobs import Form, logprobs
from train.objectives.labels import label_entropy
from train.objectives.registry import Loss
from train.trainer.metrics import BatchScores

#: Nats a response by which policy and reference may differ in fp32, before the first update.
EXACT = 1e-3


@dataclass(frozen=True, slots=True)
class Item:
    """A prompt with its responses and their log-probabilities under the reference, nats."""

    group: TokenGroup
    reference: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """What is computed for a batch.

    Attributes:
        loss: the objective.
        form: how log-probabilities are computed.
        allowed: nats a response by which policy and reference may differ before the first update.
    """

    loss: Loss
    form: Form
    allowed: float = EXACT


def scored(
    model: nn.Module, items: Sequence[Item], task: Task, idle: Item | None = None
) -> tuple[Tensor, BatchScores]:
    """Losses of a batch, `[B]`, with gradient, and its detached numbers.

    Args:
        model: the policy.
        items: the batch. It may be empty: among several processes, one that has no prompt left
            still takes its part in what they exchange (weights, gradients, the z of KTO).
        task: what is computed.
        idle: what an empty batch is computed of; it counts for nothing.
    """
    groups = [item.group for item in (items or (idle,)) if item is not None]
    logps, lengths = logprobs(model, groups, task.form)
    tokens, places = count_tokens(groups, packed=task.form == "tree") if items else (0, 0)
    losses, scores = _assess(items, logps[: len(items)], lengths[: len(items)], task)
    return losses, replace(scores, tokens=tokens, places=places)


def scored_at_reference(items: Sequence[Item], task: Task) -> BatchScores:
    """The numbers of a policy that still is the reference; no model is asked."""
    width = max(len(item.reference) for item in items)
    references = _matrices(items, width)[0]
    counts = [[len(response) for response in item.group.responses] for item in items]
    lengths = torch.tensor([[*row, *[0] * (width - len(row))] for row in counts])
    return _assess(items, references, lengths, task)[1]


def _assess(
    items: Sequence[Item], logps: Tensor, lengths: Tensor, task: Task
) -> tuple[Tensor, BatchScores]:
    matrices = _matrices(items, logps.shape[1])
    references, rewards, mask = (tensor.to(logps.device) for tensor in matrices)
    out = task.loss(logps, references.to(logps.dtype), rewards, mask, lengths.to(logps.device))
    return out.losses, BatchScores(
        logps=logps.detach().cpu(),
        ref_logps=references.cpu(),
        rewards=rewards.cpu(),
        mask=mask.cpu(),
        lengths=lengths.cpu(),
        implicit=out.implicit_rewards.cpu(),
        losses=out.losses.detach().cpu(),
        entropy=None if out.labels is None else label_entropy(out.labels).cpu(),
    )


def _matrices(items: Sequence[Item], width: int) -> tuple[Tensor, Tensor, Tensor]:
    """References, rewards and mask, `[B, K]` with K = `width`."""

    def matrix(rows: list[tuple[float, ...]]) -> Tensor:
        filled = [[*row, *[0.0] * (width - len(row))] for row in rows]
        return torch.tensor(filled).reshape(len(rows), width)

    counts = torch.tensor([len(item.reference) for item in items])
    references = matrix([item.reference for item in items])
    rewards = matrix([item.group.rewards for item in items])
    return references, rewards, torch.arange(width)[None, :] < counts[:, None]

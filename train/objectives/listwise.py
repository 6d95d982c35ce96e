"""Objectives of any number of scored responses a prompt: InfoNCA, NCA, KTO, and plain SFT.

Notation as in `train.objectives.objective`; w are the soft labels of `train.objectives.labels`.
"""

import warnings

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.functional import logsigmoid

from train.errors import TrainError
from train.objectives.labels import soft_labels
from train.objectives.objective import Batch, Loss, ObjectiveOutput, as_loss, mean_of

#: What the paper's repository adds to the first response's reward; it breaks ties in its favour.
FIRST_BONUS = 0.01


def infonca(beta: float, alpha: float = 1.0, favour_first: bool = False) -> Loss:
    """InfoNCA: `-sum_i w_i log softmax(m)_i`. Needs rewards, sums, a reference, K >= 2.

    Its gradient in m_i is `softmax(m)_i - w_i`: only ratios are pinned, both may fall. Source:
    arXiv 2402.05369. `favour_first` adds 0.01 to the first response's reward, as the paper's
    repository (thu-ml/Noise-Contrastive-Alignment, cbb9248) does: for comparisons with it only.
    """

    def whole(batch: Batch) -> ObjectiveOutput:
        if bool((batch.mask.sum(dim=1) < 2).any()):
            raise TrainError("infonca needs at least 2 responses a prompt: drop prompts with one")
        implicit = beta * batch.log_ratios()
        log_share = implicit.masked_fill(~batch.mask, float("-inf")).log_softmax(dim=1)
        labels = soft_labels(_adjusted(batch.rewards, favour_first), batch.mask, alpha)
        # -inf times a label of 0 is NaN: fill after the log-softmax.
        losses = -(labels * log_share.masked_fill(~batch.mask, 0)).sum(dim=1)
        return ObjectiveOutput(losses.mean(), losses, implicit.detach(), labels)

    return as_loss(whole)


def nca(beta: float, alpha: float = 1.0, favour_first: bool = False) -> Loss:
    """NCA: `-sum_i w_i log sigma(m_i) - (1/K) sum_i log sigma(-m_i)`, K the prompt's own.

    Needs rewards, sums, a reference. Its gradient in m_i is `-w_i sigma(-m_i) + sigma(m_i) / K`:
    absolute values are pinned. With K = 1 the two forces cancel (a warning). Source and
    `favour_first` as in `infonca`.
    """

    def whole(batch: Batch) -> ObjectiveOutput:
        counts = batch.mask.sum(dim=1)
        if bool((counts < 2).any()):
            warnings.warn("nca learns nothing from a prompt with one response", stacklevel=2)
        implicit = beta * batch.log_ratios()
        labels = soft_labels(_adjusted(batch.rewards, favour_first), batch.mask, alpha)
        optimise = -(labels * logsigmoid(implicit)).sum(dim=1)
        regularise = -logsigmoid(-implicit).masked_fill(~batch.mask, 0).sum(dim=1) / counts
        losses = optimise + regularise
        return ObjectiveOutput(losses.mean(), losses, implicit.detach(), labels)

    return as_loss(whole)


def kto(beta: float, good_weight: float = 1.0, bad_weight: float = 1.0) -> Loss:
    """KTO: `good_weight (1 - sigma(m - beta z))` or `bad_weight (1 - sigma(beta z - m))`.

    Needs rewards, sums, a reference. A response is good when its reward is above the mean of its
    prompt's, else bad (chosen and rejected of a pair); a prompt of equal rewards takes no part. A
    prompt's loss is the mean over its responses. Source: arXiv 2402.01306, equation 8.

    z stands for the divergence between policy and reference. Here it is the detached mean
    log-ratio of the batch's own responses, clamped at 0, over all processes. The paper (and TRL's
    KTOTrainer) takes responses of other prompts of the batch instead, which costs a forward pass
    more. The two differ by their point of reference, not by their form; how much that changes was
    not measured.
    """

    def whole(batch: Batch) -> ObjectiveOutput:
        ratios = batch.log_ratios()
        counts = batch.mask.sum(dim=1)
        known = batch.rewards.masked_fill(~batch.mask, 0)
        good = batch.rewards > known.sum(dim=1, keepdim=True) / counts[:, None]
        ahead = beta * (ratios - kto_reference(ratios, batch.mask))
        value = torch.where(
            good, good_weight * torch.sigmoid(-ahead), bad_weight * torch.sigmoid(ahead)
        )
        apart = (good & batch.mask).any(dim=1)
        losses = value.masked_fill(~batch.mask, 0).sum(dim=1) / counts * apart
        return ObjectiveOutput(mean_of(losses, apart), losses, beta * ratios.detach())

    return as_loss(whole)


def kto_reference(ratios: Tensor, mask: Tensor) -> Tensor:
    """The z of KTO: mean log-ratio over all processes' responses, nats, at least 0, no gradient."""
    total = torch.stack([ratios.detach().sum(), mask.sum().to(ratios.dtype)])
    if dist.is_available() and dist.is_initialized():
        dist.all_reduce(total)
    return (total[0] / total[1]).clamp(min=0)


def sft() -> Loss:
    """Plain fine-tuning on the best response: `-l_best`; equally best ones share the weight.

    Needs rewards, mean log-probabilities, no reference.
    """

    def whole(batch: Batch) -> ObjectiveOutput:
        likely = batch.mean_logps()
        losses = -(soft_labels(batch.rewards, batch.mask, 0.0) * likely).sum(dim=1)
        return ObjectiveOutput(losses.mean(), losses, likely.detach())

    return as_loss(whole)


def _adjusted(rewards: Tensor, favour_first: bool) -> Tensor:
    if not favour_first:
        return rewards
    bonus = torch.zeros_like(rewards)
    bonus[:, 0] = FIRST_BONUS
    return rewards + bonus

"""Objectives of any number of scored responses a prompt: InfoNCA, NCA, KTO, and plain SFT.

Notation as in `train.objectives.objective`; w are the soft labels (`soft_labels`).
"""

import warnings

import torch
import torch.distributed as dist
from torch import Tensor, sigmoid
from torch.nn.functional import logsigmoid

from train.errors import TrainError
from train.objectives.objective import Batch, Loss, Objective, ObjectiveOutput, mean_over

#: Added to the first response's reward by the paper's repository; it breaks ties in its favour.
FIRST_BONUS = 0.01


def soft_labels(rewards: Tensor, mask: Tensor, alpha: float, favour_first: bool = False) -> Tensor:
    """Return `softmax(rewards / alpha)` of each prompt; `alpha = 0` shares 1 among the best.

    `rewards` and `mask` are `[B, K]`, with at least one response a row. Rows of the result sum to
    1, and are 0 where the mask is false. Source: arXiv 2402.05369, section 3; `alpha -> 0` is the
    hard label of DPO. `favour_first` as in `infonca`.
    """
    if favour_first:
        rewards = torch.cat([rewards[:, :1] + FIRST_BONUS, rewards[:, 1:]], dim=1)
    low = torch.finfo(rewards.dtype).min
    present = rewards.masked_fill(~mask, low)
    best = present.max(dim=1, keepdim=True).values
    if alpha == 0:
        hard = ((present == best) & mask).to(rewards.dtype)
        return hard / hard.sum(dim=1, keepdim=True)
    # The maximum is subtracted first: a tiny alpha would overflow otherwise.
    return ((present - best) / alpha).masked_fill(~mask, float("-inf")).softmax(dim=1)


def infonca(beta: float, alpha: float = 1.0, favour_first: bool = False) -> Loss:
    """Build InfoNCA's loss, `-sum_i w_i log softmax(m)_i`, K >= 2.

    Its gradient in m_i is `softmax(m)_i - w_i`: only ratios are pinned, both may fall. Source:
    arXiv 2402.05369. `favour_first` adds 0.01 to the first response's reward, as the paper's
    repository (thu-ml/Noise-Contrastive-Alignment, cbb9248) does: for comparisons with it only.
    """

    def compute(batch: Batch) -> ObjectiveOutput:
        if bool((batch.mask.sum(dim=1) < 2).any()):
            raise TrainError("infonca needs at least 2 responses a prompt: drop prompts with one")
        implicit = beta * batch.log_ratios()
        log_share = implicit.masked_fill(~batch.mask, float("-inf")).log_softmax(dim=1)
        labels = soft_labels(batch.rewards, batch.mask, alpha, favour_first)
        # -inf times a label of 0 is NaN: fill after the log-softmax.
        losses = -(labels * log_share.masked_fill(~batch.mask, 0)).sum(dim=1)
        return ObjectiveOutput(losses.mean(), losses, implicit.detach(), labels)

    return Loss(compute)


def nca(beta: float, alpha: float = 1.0, favour_first: bool = False) -> Loss:
    """Build NCA's loss, `-sum_i w_i log sigma(m_i) - (1/K) sum_i log sigma(-m_i)`.

    Its gradient in m_i is `-w_i sigma(-m_i) + sigma(m_i) / K`: absolute values are pinned. With
    K = 1 the two forces cancel (a warning). Source and `favour_first` as in `infonca`.
    """

    def compute(batch: Batch) -> ObjectiveOutput:
        counts = batch.mask.sum(dim=1)
        if bool((counts < 2).any()):
            warnings.warn("nca learns nothing from a prompt with one response", stacklevel=2)
        implicit = beta * batch.log_ratios()
        labels = soft_labels(batch.rewards, batch.mask, alpha, favour_first)
        optimise = -(labels * logsigmoid(implicit)).sum(dim=1)
        regularise = -logsigmoid(-implicit).masked_fill(~batch.mask, 0).sum(dim=1) / counts
        losses = optimise + regularise
        return ObjectiveOutput(losses.mean(), losses, implicit.detach(), labels)

    return Loss(compute)


def kto(beta: float, good_weight: float = 1.0, bad_weight: float = 1.0) -> Loss:
    """Build KTO's, `good_weight (1 - sigma(m - beta z))` or `bad_weight (1 - sigma(beta z - m))`.

    A response is good when its reward is above the mean of its prompt's, else bad (chosen and
    rejected of a pair); a prompt of equal rewards takes no part. A prompt's loss is the mean over
    its responses. Source: arXiv 2402.01306, equation 8.

    z stands for the divergence between policy and reference. Here it is the detached mean
    log-ratio of the batch's own responses, clamped at 0, over all processes. The paper (and TRL's
    KTOTrainer) takes responses of other prompts of the batch instead, which costs one more forward
    pass. The effect of this difference was not measured.
    """

    def compute(batch: Batch) -> ObjectiveOutput:
        ratios = batch.log_ratios()
        counts = batch.mask.sum(dim=1)
        total = batch.rewards.masked_fill(~batch.mask, 0).sum(dim=1, keepdim=True)
        good = batch.rewards > total / counts[:, None]
        ahead = beta * (ratios - kto_reference(ratios, batch.mask))
        value = torch.where(good, good_weight * sigmoid(-ahead), bad_weight * sigmoid(ahead))
        apart = (good & batch.mask).any(dim=1)
        losses = value.masked_fill(~batch.mask, 0).sum(dim=1) / counts * apart
        return ObjectiveOutput(mean_over(losses, apart), losses, beta * ratios.detach())

    return Loss(compute)


def kto_reference(ratios: Tensor, mask: Tensor) -> Tensor:
    """Return KTO's z: mean log-ratio of all processes' responses, nats, at least 0, no gradient."""
    total = torch.stack([ratios.detach().sum(), mask.sum().to(ratios.dtype)])
    if dist.is_available() and dist.is_initialized():
        dist.all_reduce(total)
    return (total[0] / total[1]).clamp(min=0)


def sft() -> Loss:
    """Build the loss of plain fine-tuning, `-l` of the best; equally best ones share the weight."""

    def compute(batch: Batch) -> ObjectiveOutput:
        likely = batch.mean_logps()
        losses = -(soft_labels(batch.rewards, batch.mask, 0.0) * likely).sum(dim=1)
        return ObjectiveOutput(losses.mean(), losses, likely.detach())

    return Loss(compute)


OBJECTIVES = {
    "infonca": Objective(infonca, labels="rewards"),
    "kto": Objective(kto, labels="rewards"),
    "nca": Objective(nca, labels="rewards"),
    "sft": Objective(sft, labels="rewards", logps="mean", reference=False),
}

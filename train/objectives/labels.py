"""Labels from rewards: the soft distribution that InfoNCA and NCA aim at."""

import torch
from torch import Tensor


def soft_labels(rewards: Tensor, mask: Tensor, alpha: float) -> Tensor:
    """`softmax(rewards / alpha)` over each prompt's responses; `alpha = 0` shares 1 among the best.

    Args:
        rewards: scalar rewards, `[B, K]`.
        mask: true where a response exists, `[B, K]`, at least one a row.
        alpha: temperature that divides the reward, at least 0.

    Returns:
        `[B, K]`, rows sum to 1, 0 where `mask` is false.

    Source: arXiv 2402.05369, section 3; `alpha -> 0` is the hard label of DPO.
    """
    low = torch.finfo(rewards.dtype).min
    known = rewards.masked_fill(~mask, low)
    best = known.max(dim=1, keepdim=True).values
    if alpha == 0:
        hard = ((known == best) & mask).to(rewards.dtype)
        hard_labels: Tensor = hard / hard.sum(dim=1, keepdim=True)
        return hard_labels
    # The maximum goes first: a tiny alpha would overflow otherwise.
    scaled: Tensor = ((known - best) / alpha).masked_fill(~mask, float("-inf"))
    soft: Tensor = scaled.softmax(dim=1)
    return soft


def label_entropy(labels: Tensor) -> Tensor:
    """Entropy of each prompt's labels `[B, K]`, nats, `[B]`; 0 for a hard label."""
    entropy: Tensor = torch.special.entr(labels).sum(dim=1)
    return entropy

"""The metrics of a batch: likelihoods by rank against the reference, margin, accuracy.

A rank is a response's place in its prompt by reward: 0 is the best, the last the worst. Prompts
whose rewards are all equal have no best and no worst: they are left out of everything by rank.
Log-ratios are of given responses, not of samples: they are no estimate of a divergence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

#: Smallest rise that counts, nats: the bound of the check of policy against reference.
_NOISE = 1e-3


@dataclass(frozen=True, slots=True)
class BatchScores:
    """The detached numbers of B prompts, on the CPU; matrices are `[B, K]`."""

    logps: Tensor  # summed log-probabilities under the policy, nats
    ref_logps: Tensor  # the same under the reference
    rewards: Tensor
    mask: Tensor  # true where a response exists
    lengths: Tensor  # response tokens
    implicit: Tensor  # implicit rewards, beta times the log-ratio
    losses: Tensor  # `[B]`
    entropy: Tensor | None  # of each prompt's labels, nats, `[B]`; None for a pair objective
    tokens: int = 0  # tokens that the model was given; 0 where it was not run
    places: int = 0  # places for tokens in the rows that it was given, padding included


def concatenate(parts: Sequence[BatchScores]) -> BatchScores:
    """Join several batches into one; narrower ones are widened with masked responses."""
    width = max(part.mask.shape[1] for part in parts)

    def matrix(name: str) -> Tensor:
        tensors = [getattr(part, name) for part in parts]
        return torch.cat([pad(tensor, (0, width - tensor.shape[1])) for tensor in tensors])

    entropies = [part.entropy for part in parts if part.entropy is not None]
    matrices = ("logps", "ref_logps", "rewards", "mask", "lengths", "implicit")
    return BatchScores(
        **{name: matrix(name) for name in matrices},
        losses=torch.cat([part.losses for part in parts]),
        entropy=torch.cat(entropies) if entropies else None,
        tokens=sum(part.tokens for part in parts),
        places=sum(part.places for part in parts),
    )


def summarise(scores: BatchScores) -> dict[str, Any]:
    """Return the metrics of a record; None where no prompt has the quantity.

    Lists are by rank, best first. `*_se` are standard errors over prompts. `ranked_prompts` counts
    the prompts that have a best and a worst response. `margin` is the implicit reward of the best
    response minus that of the worst, `logratio_margin` the same without beta, nats; `accuracy` the
    share of ordered pairs (all prompts' together) whose implicit rewards agree with the rewards;
    `best_rose` the share of prompts whose best response is likelier than under the reference.
    """
    ranked = _ranked(scores)
    ratios, logps, worst = ranked["ratio"], ranked["logps"], ranked["worst"]
    best_ratio, worst_ratio = ratios[:, 0], _at(ratios, worst)
    by_rank = [ratios[mask, rank] for rank, mask in enumerate(ranked["mask"].T)]
    return {
        "prompts": len(scores.losses),
        "ranked_prompts": len(ratios),
        "loss": _mean(scores.losses),
        "logps": [_mean(logps[mask, rank]) for rank, mask in enumerate(ranked["mask"].T)],
        "logratios": [_mean(values) for values in by_rank],
        "logratios_se": [_error(values) for values in by_rank],
        "logp_best": _mean(logps[:, 0]),
        "logp_worst": _mean(_at(logps, worst)),
        "logratio_best": _mean(best_ratio),
        "logratio_best_se": _error(best_ratio),
        "logratio_worst": _mean(worst_ratio),
        "logratio_worst_se": _error(worst_ratio),
        "logratio_margin": _mean(best_ratio - worst_ratio),
        "logratio_margin_se": _error(best_ratio - worst_ratio),
        "margin": _mean(ranked["implicit"][:, 0] - _at(ranked["implicit"], worst)),
        "accuracy": _accuracy(scores),
        "best_rose": _mean((best_ratio > _NOISE).float()),
        "label_entropy": None if scores.entropy is None else _mean(scores.entropy),
        "response_tokens": _mean(scores.lengths[scores.mask].float()),
        "tokens": scores.tokens,
        "padding_share": round(1 - scores.tokens / scores.places, 6) if scores.places else None,
    }


def _ranked(scores: BatchScores) -> dict[str, Tensor]:
    """Return columns by rank, of the prompts with a best response, and each prompt's last rank."""
    low = scores.rewards.masked_fill(~scores.mask, float("-inf"))
    high = scores.rewards.masked_fill(~scores.mask, float("inf"))
    apart = low.max(dim=1).values > high.min(dim=1).values
    order = low[apart].argsort(dim=1, descending=True, stable=True)
    matrices = {name: getattr(scores, name) for name in ("logps", "implicit", "mask")}
    matrices["ratio"] = scores.logps - scores.ref_logps
    columns = {name: value[apart].gather(1, order) for name, value in matrices.items()}
    return {**columns, "worst": scores.mask[apart].sum(dim=1) - 1}


def _at(matrix: Tensor, column: Tensor) -> Tensor:
    return matrix.gather(1, column[:, None]).squeeze(1)


def _accuracy(scores: BatchScores) -> float | None:
    better = scores.rewards[:, :, None] > scores.rewards[:, None, :]
    ordered = better & scores.mask[:, :, None] & scores.mask[:, None, :]
    agrees = scores.implicit[:, :, None] > scores.implicit[:, None, :]
    return _mean(agrees[ordered].float())


def _mean(values: Tensor) -> float | None:
    return round(float(values.double().mean()), 6) if len(values) else None


def _error(values: Tensor) -> float | None:
    return round(float(values.double().std() / len(values) ** 0.5), 6) if len(values) > 1 else None

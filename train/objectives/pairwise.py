"""Objectives of pairs (better, worse), such as DPO. A prompt's loss is the mean over its pairs.

With more than two responses a prompt, `pairs` must say which pairs are compared (`choose_pairs`);
pairs of equal reward are never formed. Notation as in `train.objectives.objective`; w is the better
and l the worse response of a pair, Delta = m_w - m_l.
"""

import math
import random
from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, relu

from train.errors import TrainError
from train.objectives.objective import Batch, Loss, Objective, ObjectiveOutput, mean_over

PairChoice = Literal["best_vs_random", "best_vs_worst", "best_vs_rest", "all"]
#: The end of the error about data with more than two responses a prompt; it follows the objective.
CHOICE_NEEDED = (
    "compares pairs and the data has prompts with more than 2 responses: set `pairs` to "
    "best_vs_random, best_vs_worst, best_vs_rest or all"
)
#: A function of the scores of better and worse responses, `[B, K, 1]` and `[B, 1, K]`, that returns
#: the loss of each pair.
PairLoss = Callable[[Tensor, Tensor], Tensor]


def choose_pairs(
    rewards: Sequence[float], choice: PairChoice, rng: random.Random
) -> tuple[tuple[int, int], ...]:
    """Return the index pairs (better, worse) of one prompt; none when all rewards are equal.

    `choice` is `best_vs_random` (drawn by `rng`), `best_vs_worst`, `best_vs_rest` (the paper's
    DPO x 3 at K = 4) or `all` (DPO x C(K, 2)). Of several best or worst responses the first is
    taken.
    """
    order = range(len(rewards))
    if choice == "all":
        return tuple((i, j) for i in order for j in order if rewards[i] > rewards[j])
    best = max(order, key=lambda index: rewards[index])
    losers = [index for index in order if rewards[index] < rewards[best]]
    if not losers:
        return ()
    if choice == "best_vs_worst":
        losers = [min(losers, key=lambda index: rewards[index])]
    elif choice == "best_vs_random":
        losers = [rng.choice(losers)]
    return tuple((best, loser) for loser in losers)


def pair_weights(rewards: Tensor, mask: Tensor, choice: PairChoice, seed: int = 0) -> Tensor:
    """Return each ordered pair's weight in its prompt's loss: 1 over the number of pairs, else 0.

    `rewards` and `mask` are `[B, K]`. In the result, `[B, K, K]`, entry `[b, i, j]` is above 0 only
    where i is better than j; it sums to 1 for each prompt with a pair and to 0 for one without.
    The draw of `best_vs_random` depends on the seed and on the place in the batch.
    """
    rng = random.Random(seed)
    weights = torch.zeros(*rewards.shape, rewards.shape[1], dtype=rewards.dtype)
    for row, (values, present) in enumerate(zip(rewards.tolist(), mask.tolist(), strict=True)):
        columns = [column for column, exists in enumerate(present) if exists]
        pairs = choose_pairs([values[column] for column in columns], choice, rng)
        for better, worse in pairs:
            weights[row, columns[better], columns[worse]] = 1 / len(pairs)
    return weights.to(rewards.device)


def dpo(beta: float, pairs: PairChoice | None = None, seed: int = 0) -> Loss:
    """Build DPO's loss, `-log sigma(Delta)`. Source: arXiv 2305.18290."""
    return _on_margins(lambda margin: -logsigmoid(margin), beta, pairs, seed)


def cdpo(beta: float, epsilon: float = 0.1, pairs: PairChoice | None = None, seed: int = 0) -> Loss:
    """Build conservative DPO's loss, `-(1 - epsilon) log sigma(Delta) - epsilon log sigma(-Delta)`.

    `epsilon` is the share of labels that are taken to be wrong. InfoNCA on a pair is this loss with
    epsilon the worse response's label. Source: Mitchell's note on DPO with noisy labels (2023), as
    in OpenRLHF.
    """

    def pair_loss(margin: Tensor) -> Tensor:
        return -(1 - epsilon) * logsigmoid(margin) - epsilon * logsigmoid(-margin)

    return _on_margins(pair_loss, beta, pairs, seed)


def robust_dpo(
    beta: float, epsilon: float = 0.1, pairs: PairChoice | None = None, seed: int = 0
) -> Loss:
    """Build robust DPO's, `[-(1 - e) log sigma(Delta) + e log sigma(-Delta)] / (1 - 2 e)`.

    It is an unbiased estimate of DPO's loss when a share e = `epsilon` (below 1/2) of the labels is
    flipped. Source: arXiv 2403.00409.
    """
    if not 0 <= epsilon < 0.5:
        raise TrainError(f"robust_dpo takes an epsilon from 0 to below 0.5, not {epsilon}")

    def pair_loss(margin: Tensor) -> Tensor:
        noisy = -(1 - epsilon) * logsigmoid(margin) + epsilon * logsigmoid(-margin)
        return noisy / (1 - 2 * epsilon)

    return _on_margins(pair_loss, beta, pairs, seed)


def hinge(beta: float, pairs: PairChoice | None = None, seed: int = 0) -> Loss:
    """Build the hinge loss, `max(0, 1 - Delta)`. Source: arXiv 2305.10425 (SLiC)."""
    return _on_margins(lambda margin: relu(1 - margin), beta, pairs, seed)


def exo(beta: float, epsilon: float = 1e-3, pairs: PairChoice | None = None, seed: int = 0) -> Loss:
    """Build EXO's, the divergence from (sigma(Delta), sigma(-Delta)) to (1 - epsilon, epsilon).

    `epsilon` lies between 0 and 1. Source: arXiv 2402.00856, in its pair form.
    """
    if not 0 < epsilon < 1:
        raise TrainError(f"exo takes an epsilon between 0 and 1, not {epsilon}")

    def pair_loss(margin: Tensor) -> Tensor:
        better, worse = logsigmoid(margin), logsigmoid(-margin)
        first = better.exp() * (better - math.log1p(-epsilon))
        return first + worse.exp() * (worse - math.log(epsilon))

    return _on_margins(pair_loss, beta, pairs, seed)


def biased_nca(beta: float, pairs: PairChoice | None = None, seed: int = 0) -> Loss:
    """Build `-log sigma(m_w) - log sigma(-m_l)`, NCA on pairs that pushes only the worse one down.

    Source: the paper's repository (thu-ml/Noise-Contrastive-Alignment, cbb9248). It is also called
    BCO on pairs (TRL's `bco_pair`, there without a running mean).
    """
    return _on_pairs(
        lambda better, worse: -logsigmoid(better) - logsigmoid(-worse), beta, pairs, seed
    )


def ipo(beta: float, average: bool = True, pairs: PairChoice | None = None, seed: int = 0) -> Loss:
    """Build IPO's, `(d_w - d_l - 1 / (2 beta))^2`, log-ratios a token (`average`) or summed.

    Source: arXiv 2310.12036; the average a token is its authors' later advice, as in TRL.
    """

    def scores(batch: Batch) -> Tensor:
        return batch.per_token(batch.log_ratios()) if average else batch.log_ratios()

    target = 1 / (2 * beta)
    return _on_pairs(
        lambda better, worse: (better - worse - target) ** 2, beta, pairs, seed, scores=scores
    )


def simpo(beta: float, gamma: float = 0.5, pairs: PairChoice | None = None, seed: int = 0) -> Loss:
    """Build SimPO's, `-log sigma(beta (l_w - l_l) - gamma)`; gamma is a margin of implicit rewards.

    Source: arXiv 2405.14734.
    """
    return _on_pairs(
        lambda better, worse: -logsigmoid(better - worse - gamma), beta, pairs, seed, mean=True
    )


def orpo(beta: float, pairs: PairChoice | None = None, seed: int = 0) -> Loss:
    """Build ORPO's, `-l_w - beta log sigma(o_w - o_l)`, o the log-odds `l - log(1 - exp(l))`.

    `beta` weighs the second term (the paper's lambda). Source: arXiv 2403.07691.
    """

    def pair_loss(better: Tensor, worse: Tensor) -> Tensor:
        return -better - beta * logsigmoid(_log_odds(better) - _log_odds(worse))

    def scores(batch: Batch) -> Tensor:
        # A missing response has no odds: any likelihood below 1 keeps NaN out.
        return batch.mean_logps().masked_fill(~batch.mask, -1.0)

    return _on_pairs(pair_loss, beta, pairs, seed, mean=True, scores=scores)


def _on_margins(
    margin_loss: Callable[[Tensor], Tensor], beta: float, pairs: PairChoice | None, seed: int
) -> Loss:
    """Build the loss of an objective of Delta alone."""
    return _on_pairs(lambda better, worse: margin_loss(better - worse), beta, pairs, seed)


def _on_pairs(
    pair_loss: PairLoss,
    beta: float,
    pairs: PairChoice | None,
    seed: int,
    *,
    mean: bool = False,
    scores: Callable[[Batch], Tensor] | None = None,
) -> Loss:
    """Build the loss of an objective of two scores, by default the implicit rewards.

    These are beta times the log-ratios or, with `mean`, times l.
    """

    def compute(batch: Batch) -> ObjectiveOutput:
        if pairs is None and bool((batch.mask.sum(dim=1) > 2).any()):
            raise TrainError(f"this objective {CHOICE_NEEDED}")
        implicit = beta * (batch.mean_logps() if mean else batch.log_ratios())
        values = implicit if scores is None else scores(batch)
        weights = pair_weights(batch.rewards, batch.mask, pairs or "all", seed)
        losses = (weights * pair_loss(values[:, :, None], values[:, None, :])).sum(dim=(1, 2))
        takes_part = weights.sum(dim=(1, 2)) > 0
        return ObjectiveOutput(mean_over(losses, takes_part), losses, implicit.detach())

    return Loss(compute)


def _log_odds(likely: Tensor) -> Tensor:
    """Compute `l - log(1 - exp(l))`, by `log1p(-exp(l))` where that is exact, `expm1` near 0."""
    # A mean log-probability of exactly 0 (a certain response) has infinite odds: stay below it.
    below = likely.clamp(max=-1e-7)
    near = below > -math.log(2)
    small = torch.where(near, below, torch.full_like(below, -1.0))
    large = torch.where(near, torch.full_like(below, -1.0), below)
    return below - torch.where(near, (-torch.expm1(small)).log(), torch.log1p(-large.exp()))


OBJECTIVES = {
    "biased_nca": Objective(biased_nca, labels="pairs"),
    "bco_pair": Objective(biased_nca, labels="pairs"),
    "cdpo": Objective(cdpo, labels="pairs"),
    "dpo": Objective(dpo, labels="pairs"),
    "exo": Objective(exo, labels="pairs"),
    "hinge": Objective(hinge, labels="pairs"),
    "ipo": Objective(ipo, labels="pairs", logps="mean"),
    "orpo": Objective(orpo, labels="pairs", logps="mean", reference=False),
    "robust_dpo": Objective(robust_dpo, labels="pairs"),
    "simpo": Objective(simpo, labels="pairs", logps="mean", reference=False),
}

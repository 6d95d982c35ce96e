"""Objectives of pairs (better, worse): DPO and its kin. A prompt's loss is the mean over its pairs.

All need pairs: with more than two responses a prompt, `pairs` must say which are compared
(`train.objectives.pairs`); pairs of equal reward are dropped. Notation as in
`train.objectives.objective`; w is the better and l the worse response of a pair, Delta = m_w - m_l.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, relu

from train.errors import TrainError
from train.objectives.objective import Batch, Loss, ObjectiveOutput, as_loss, mean_of
from train.objectives.pairs import PairChoice, pair_weights

#: From what each response is worth, `[B, K, 1]` and `[B, 1, K]`, to the loss of each pair.
PairLoss = Callable[[Tensor, Tensor], Tensor]


def dpo(beta: float, pairs: PairChoice | None = None, seed: int = 0) -> Loss:
    """DPO: `-log sigma(Delta)`. Needs sums, a reference. Source: arXiv 2305.18290."""
    return _on_margins(lambda margin: -logsigmoid(margin), "dpo", beta, pairs, seed)


def cdpo(beta: float, epsilon: float = 0.1, pairs: PairChoice | None = None, seed: int = 0) -> Loss:
    """Conservative DPO: `-(1 - epsilon) log sigma(Delta) - epsilon log sigma(-Delta)`.

    `epsilon` is the share of labels that are taken to be wrong. Needs sums, a reference. Source:
    Mitchell's note on DPO with noisy labels (2023), as in OpenRLHF. InfoNCA on a pair is this with
    epsilon the worse response's label.
    """

    def of(margin: Tensor) -> Tensor:
        return -(1 - epsilon) * logsigmoid(margin) - epsilon * logsigmoid(-margin)

    return _on_margins(of, "cdpo", beta, pairs, seed)


def robust_dpo(
    beta: float, epsilon: float = 0.1, pairs: PairChoice | None = None, seed: int = 0
) -> Loss:
    """Robust DPO: `[-(1 - e) log sigma(Delta) + e log sigma(-Delta)] / (1 - 2 e)`, e = epsilon.

    An unbiased estimate of DPO's loss when a share e < 1/2 of the labels is flipped. Needs sums, a
    reference. Source: arXiv 2403.00409.

    Raises:
        TrainError: epsilon is not in [0, 1/2).
    """
    if not 0 <= epsilon < 0.5:
        raise TrainError(f"robust_dpo takes an epsilon from 0 to below 0.5, not {epsilon}")

    def of(margin: Tensor) -> Tensor:
        kept = -(1 - epsilon) * logsigmoid(margin) + epsilon * logsigmoid(-margin)
        return kept / (1 - 2 * epsilon)

    return _on_margins(of, "robust_dpo", beta, pairs, seed)


def hinge(beta: float, pairs: PairChoice | None = None, seed: int = 0) -> Loss:
    """Hinge loss: `max(0, 1 - Delta)`. Needs sums, a reference. Source: arXiv 2305.10425 (SLiC)."""
    return _on_margins(lambda margin: relu(1 - margin), "hinge", beta, pairs, seed)


def exo(beta: float, epsilon: float = 1e-3, pairs: PairChoice | None = None, seed: int = 0) -> Loss:
    """EXO on pairs: the divergence from (sigma(Delta), sigma(-Delta)) to (1 - epsilon, epsilon).

    Needs sums, a reference, epsilon above 0. Source: arXiv 2402.00856, in its pair form.

    Raises:
        TrainError: epsilon is not in (0, 1).
    """
    if not 0 < epsilon < 1:
        raise TrainError(f"exo takes an epsilon between 0 and 1, not {epsilon}")

    def of(margin: Tensor) -> Tensor:
        better, worse = logsigmoid(margin), logsigmoid(-margin)
        first = better.exp() * (better - math.log1p(-epsilon))
        return first + worse.exp() * (worse - math.log(epsilon))

    return _on_margins(of, "exo", beta, pairs, seed)


def biased_nca(beta: float, pairs: PairChoice | None = None, seed: int = 0) -> Loss:
    """`-log sigma(m_w) - log sigma(-m_l)`: NCA's pair form with all of its push-down on the worse.

    Needs sums, a reference. Source: the paper's repository (thu-ml/Noise-Contrastive-Alignment,
    cbb9248); it is also called BCO on pairs (TRL's `bco_pair`, there without a running mean).
    """

    def of(better: Tensor, worse: Tensor) -> Tensor:
        return -logsigmoid(better) - logsigmoid(-worse)

    return _on_rewards(of, "biased_nca", beta, pairs, seed)


def ipo(beta: float, average: bool = True, pairs: PairChoice | None = None, seed: int = 0) -> Loss:
    """IPO: `(d_w - d_l - 1 / (2 beta))^2`, log-ratios a token, or summed with `average=False`.

    Needs a reference, and mean log-probabilities unless `average` is false. Source: arXiv
    2310.12036; the average a token is its authors' later advice, and what TRL computes.
    """

    def of(better: Tensor, worse: Tensor) -> Tensor:
        return (better - worse - 1 / (2 * beta)) ** 2

    def whole(batch: Batch) -> ObjectiveOutput:
        ratios = batch.log_ratios()
        worth = batch.per_token(ratios) if average else ratios
        weights = _weights("ipo", batch, pairs, seed)
        return _output(of, worth, weights, beta * ratios)

    return as_loss(whole)


def simpo(beta: float, gamma: float = 0.5, pairs: PairChoice | None = None, seed: int = 0) -> Loss:
    """SimPO: `-log sigma(beta (l_w - l_l) - gamma)`; gamma is a margin of implicit rewards.

    Needs mean log-probabilities, no reference. Source: arXiv 2405.14734.
    """

    def of(better: Tensor, worse: Tensor) -> Tensor:
        return -logsigmoid(better - worse - gamma)

    def whole(batch: Batch) -> ObjectiveOutput:
        implicit = beta * batch.mean_logps()
        return _output(of, implicit, _weights("simpo", batch, pairs, seed), implicit)

    return as_loss(whole)


def orpo(beta: float, pairs: PairChoice | None = None, seed: int = 0) -> Loss:
    """ORPO: `-l_w - beta log sigma(o_w - o_l)`, o the log-odds `l - log(1 - exp(l))` of a response.

    Needs mean log-probabilities, no reference; `beta` weighs the second term (the paper's lambda).
    Source: arXiv 2403.07691.
    """

    def of(better: Tensor, worse: Tensor) -> Tensor:
        return -better - beta * logsigmoid(_log_odds(better) - _log_odds(worse))

    def whole(batch: Batch) -> ObjectiveOutput:
        likely = batch.mean_logps()
        # A response that is not there has no odds: any likelihood below 1 keeps NaN out.
        worth = likely.masked_fill(~batch.mask, -1.0)
        weights = _weights("orpo", batch, pairs, seed)
        return _output(of, worth, weights, beta * likely)

    return as_loss(whole)


def pairs_remedy(name: str) -> str:
    """What to tell someone who gave a pair objective more than two responses a prompt."""
    return (
        f"{name} compares pairs and the data has prompts with more than 2 responses: set `pairs` "
        "to best_vs_random, best_vs_worst, best_vs_rest or all"
    )


def _on_margins(
    of: Callable[[Tensor], Tensor], name: str, beta: float, pairs: PairChoice | None, seed: int
) -> Loss:
    """An objective of Delta alone."""
    return _on_rewards(lambda better, worse: of(better - worse), name, beta, pairs, seed)


def _on_rewards(of: PairLoss, name: str, beta: float, pairs: PairChoice | None, seed: int) -> Loss:
    """An objective of the two implicit rewards."""

    def whole(batch: Batch) -> ObjectiveOutput:
        implicit = beta * batch.log_ratios()
        return _output(of, implicit, _weights(name, batch, pairs, seed), implicit)

    return as_loss(whole)


def _weights(name: str, batch: Batch, pairs: PairChoice | None, seed: int) -> Tensor:
    """Weight of each ordered pair, `[B, K, K]`.

    Raises:
        TrainError: nobody said which pairs of more than two responses are meant.
    """
    if pairs is None and bool((batch.mask.sum(dim=1) > 2).any()):
        raise TrainError(pairs_remedy(name))
    return pair_weights(batch.rewards, batch.mask, pairs or "all", seed)


def _output(of: PairLoss, worth: Tensor, weights: Tensor, implicit: Tensor) -> ObjectiveOutput:
    losses = (weights * of(worth[:, :, None], worth[:, None, :])).sum(dim=(1, 2))
    takes_part = weights.sum(dim=(1, 2)) > 0
    return ObjectiveOutput(mean_of(losses, takes_part), losses, implicit.detach())


def _log_odds(likely: Tensor) -> Tensor:
    """`l - log(1 - exp(l))`, `log1p(-exp(l))` where that is exact and `expm1` near 0."""
    # A mean log-probability of exactly 0 (a certain response) has infinite odds: stay below it.
    below = likely.clamp(max=-1e-7)
    near = below > -math.log(2)
    small = torch.where(near, below, torch.full_like(below, -1.0))
    large = torch.where(near, torch.full_like(below, -1.0), below)
    return below - torch.where(near, (-torch.expm1(small)).log(), torch.log1p(-large.exp()))

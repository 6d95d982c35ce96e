"""The losses: pure functions of log-probabilities, reference log-probabilities and rewards.

    loss = objective("nca", beta=0.01, alpha=0.0)
    out = loss(logps, ref_logps, rewards, mask)

Adding one: write a builder that takes its settings by keyword and returns a `Loss`, and enter it
in `REGISTRY` with what it needs. Notation: m is the implicit reward, `beta` times the log-ratio to
the reference; w the soft labels of `train.labels`. Sources: arXiv 2402.05369 (InfoNCA, NCA),
arXiv 2305.18290 (DPO).
"""

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from train.errors import TrainError
from train.labels import soft_labels
from train.pairs import PairChoice, pair_weights


@dataclass(frozen=True, slots=True)
class ObjectiveOutput:
    """What an objective says of a batch.

    Attributes:
        loss: scalar, mean of `losses` over the prompts that take part, nats.
        losses: `[B]`; 0 for a prompt that takes no part (a pair objective and all rewards equal).
        implicit_rewards: `[B, K]`, beta times the log-ratio, 0 where the mask is false, detached.
    """

    loss: Tensor
    losses: Tensor
    implicit_rewards: Tensor


class Loss(Protocol):
    """A configured objective."""

    def __call__(
        self, logps: Tensor, ref_logps: Tensor, rewards: Tensor, mask: Tensor
    ) -> ObjectiveOutput:
        """The loss of a batch.

        Args:
            logps: summed log-probabilities of the responses under the policy, nats, `[B, K]`.
            ref_logps: the same under the reference, `[B, K]`.
            rewards: `[B, K]`.
            mask: true where a response exists, `[B, K]`.
        """


@dataclass(frozen=True, slots=True)
class Entry:
    """A registry entry: how to build the objective, and what it needs."""

    build: Callable[..., Loss]
    labels: Literal["pairs", "rewards"]
    logps: Literal["sum", "mean"] = "sum"
    reference: bool = True

    @property
    def settings(self) -> frozenset[str]:
        """Names of the keyword settings that `build` takes."""
        return frozenset(inspect.signature(self.build).parameters)


def infonca(beta: float, alpha: float = 1.0) -> Loss:
    """InfoNCA: `-sum_i w_i log softmax(m)_i`. Needs rewards, sums, a reference, K >= 2.

    Its gradient in m_i is `softmax(m)_i - w_i`: only ratios are pinned, both may fall.
    """

    def loss(logps: Tensor, ref_logps: Tensor, rewards: Tensor, mask: Tensor) -> ObjectiveOutput:
        if bool((mask.sum(dim=1) < 2).any()):
            raise TrainError("infonca needs at least 2 responses a prompt: drop prompts with one")
        implicit = _implicit_rewards(logps, ref_logps, mask, beta)
        log_share = implicit.masked_fill(~mask, float("-inf")).log_softmax(dim=1)
        labels = soft_labels(rewards, mask, alpha)
        # -inf times a label of 0 is NaN: fill after the log-softmax.
        losses = -(labels * log_share.masked_fill(~mask, 0)).sum(dim=1)
        return ObjectiveOutput(losses.mean(), losses, implicit.detach())

    return loss


def nca(beta: float, alpha: float = 1.0) -> Loss:
    """NCA: `-sum_i w_i log sigma(m_i) - (1/K) sum_i log sigma(-m_i)`, K the prompt's own.

    Needs rewards, sums, a reference. Its gradient in m_i is `-w_i sigma(-m_i) + sigma(m_i) / K`:
    absolute values are pinned. With K = 1 the two forces cancel (a warning).
    """

    def loss(logps: Tensor, ref_logps: Tensor, rewards: Tensor, mask: Tensor) -> ObjectiveOutput:
        counts = mask.sum(dim=1)
        if bool((counts < 2).any()):
            warnings.warn("nca learns nothing from a prompt with one response", stacklevel=2)
        implicit = _implicit_rewards(logps, ref_logps, mask, beta)
        labels = soft_labels(rewards, mask, alpha)
        optimise = -(labels * logsigmoid(implicit)).sum(dim=1)
        regularise = -logsigmoid(-implicit).masked_fill(~mask, 0).sum(dim=1) / counts
        losses = optimise + regularise
        return ObjectiveOutput(losses.mean(), losses, implicit.detach())

    return loss


def dpo(beta: float, pairs: PairChoice | None = None, seed: int = 0) -> Loss:
    """DPO: `-log sigma(m_better - m_worse)`, the mean over a prompt's pairs.

    Needs pairs, sums, a reference. With more than two responses a prompt, `pairs` must say which
    are compared (`train.pairs`). Pairs of equal reward are dropped.
    """

    def loss(logps: Tensor, ref_logps: Tensor, rewards: Tensor, mask: Tensor) -> ObjectiveOutput:
        if pairs is None and int(mask.sum(dim=1).max()) > 2:
            raise TrainError(pairs_remedy("dpo"))
        implicit = _implicit_rewards(logps, ref_logps, mask, beta)
        weights = pair_weights(rewards, mask, pairs or "all", seed)
        margins = implicit[:, :, None] - implicit[:, None, :]
        losses = -(weights * logsigmoid(margins)).sum(dim=(1, 2))
        taking_part = (weights.sum(dim=(1, 2)) > 0).sum().clamp(min=1)
        return ObjectiveOutput(losses.sum() / taking_part, losses, implicit.detach())

    return loss


REGISTRY: dict[str, Entry] = {
    "dpo": Entry(dpo, labels="pairs"),
    "infonca": Entry(infonca, labels="rewards"),
    "nca": Entry(nca, labels="rewards"),
}


def entry(name: str) -> Entry:
    """The registry's entry for `name`.

    Raises:
        TrainError: there is no such objective; the message names those there are.
    """
    if name not in REGISTRY:
        raise TrainError(f"no method {name!r}: choose one of {', '.join(sorted(REGISTRY))}")
    return REGISTRY[name]


def objective(name: str, **settings: Any) -> Loss:
    """The objective `name` with its settings, such as `objective("nca", beta=0.01, alpha=0.0)`.

    Raises:
        TrainError: an unknown name, or a setting that it does not take.
    """
    chosen = entry(name)
    unknown = sorted(set(settings) - chosen.settings)
    if unknown:
        raise TrainError(
            f"{name} takes no {', '.join(unknown)}: it takes {', '.join(sorted(chosen.settings))}"
        )
    return chosen.build(**settings)


def pairs_remedy(name: str) -> str:
    """What to tell someone who gave a pair objective more than two responses a prompt."""
    return (
        f"{name} compares pairs and the data has prompts with more than 2 responses: set `pairs` "
        "to best_vs_random, best_vs_worst, best_vs_rest or all"
    )


def _implicit_rewards(logps: Tensor, ref_logps: Tensor, mask: Tensor, beta: float) -> Tensor:
    """Beta times the log-ratio, `[B, K]`, 0 (and without gradient) where the mask is false."""
    if logps.dtype not in (torch.float32, torch.float64):
        raise TrainError(f"log-probabilities must be float32 or float64, not {logps.dtype}")
    return beta * (logps - ref_logps).masked_fill(~mask, 0)

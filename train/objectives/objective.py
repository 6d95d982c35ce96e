"""The parts of an objective: its needs, the loss that it builds, and a batch as the loss reads it.

Notation of all objectives: d is a response's log-ratio to the reference, nats; m the implicit
reward, `beta` times d; l the mean log-probability a token; K a prompt's own number of responses.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from train.errors import TrainError


@dataclass(frozen=True, slots=True)
class ObjectiveOutput:
    """The result of an objective for a batch.

    Attributes:
        loss: scalar, mean of `losses` over the prompts that take part.
        losses: `[B]`; 0 for a prompt that takes no part (a pair objective and all rewards equal).
        implicit_rewards: `[B, K]`, beta times the log-ratio (where an objective has no reference,
            beta times the mean log-probability a token), 0 where the mask is false, detached.
        labels: `[B, K]`, the soft labels of each prompt's responses, as the loss used them,
            detached; None for an objective that takes no `alpha`.
    """

    loss: Tensor
    losses: Tensor
    implicit_rewards: Tensor
    labels: Tensor | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """The arguments of a loss, and the quantities that objectives derive from them."""

    logps: Tensor
    ref_logps: Tensor
    rewards: Tensor
    mask: Tensor
    lengths: Tensor | None = None

    def log_ratios(self) -> Tensor:
        """Return d, nats, `[B, K]`, 0 (and without gradient) where the mask is false."""
        return (self.logps - self.ref_logps).masked_fill(~self.mask, 0)

    def mean_logps(self) -> Tensor:
        """Return l, nats a token, `[B, K]`, 0 (and without gradient) where the mask is false."""
        return self.per_token(self.logps.masked_fill(~self.mask, 0))

    def per_token(self, sums: Tensor) -> Tensor:
        """Divide sums by the responses' tokens, `[B, K]`; raise TrainError without lengths."""
        if self.lengths is None:
            raise TrainError("this objective averages over tokens: give it `lengths`, [B, K]")
        return sums / self.lengths.clamp(min=1)


@dataclass(frozen=True, slots=True)
class Loss:
    """A configured objective."""

    compute: Callable[[Batch], ObjectiveOutput]

    def __call__(
        self,
        logps: Tensor,
        ref_logps: Tensor,
        rewards: Tensor,
        mask: Tensor,
        lengths: Tensor | None = None,
    ) -> ObjectiveOutput:
        """Compute the loss of a batch.

        Args:
            logps: summed log-probabilities of the responses under the policy, nats, `[B, K]`.
            ref_logps: the same under the reference, `[B, K]`; not read by objectives without one.
            rewards: `[B, K]`.
            mask: true where a response exists, `[B, K]`.
            lengths: response tokens, `[B, K]`; read by objectives that use mean log-probabilities.

        Raises:
            TrainError: something that the objective needs is missing, or log-probabilities are not
                fp32 or fp64.
        """
        if logps.dtype not in (torch.float32, torch.float64):
            raise TrainError(f"log-probabilities must be float32 or float64, not {logps.dtype}")
        return self.compute(Batch(logps, ref_logps, rewards, mask, lengths))


@dataclass(frozen=True, slots=True)
class Objective:
    """An entry of the registry: the function that builds the loss, and the needs of the loss."""

    build: Callable[..., Loss]
    labels: Literal["pairs", "rewards"]
    logps: Literal["sum", "mean"] = "sum"
    reference: bool = True

    @property
    def settings(self) -> frozenset[str]:
        """Names of the keyword settings that `build` takes."""
        return frozenset(inspect.signature(self.build).parameters)


def mean_over(losses: Tensor, takes_part: Tensor) -> Tensor:
    """Return the mean over the prompts that take part, `[B]` both; 0 where none does."""
    return losses.sum() / takes_part.sum().clamp(min=1)

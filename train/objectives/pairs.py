"""The pairs (better, worse) of a prompt's responses that an objective compares.

Pairs of equal reward are never formed.
"""

import random
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

PairChoice = Literal["best_vs_random", "best_vs_worst", "best_vs_rest", "all"]
#: The end of the error about data with more than two responses a prompt; it follows the objective.
CHOICE_NEEDED = (
    "compares pairs and the data has prompts with more than 2 responses: set `pairs` to "
    "best_vs_random, best_vs_worst, best_vs_rest or all"
)


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


def needed_responses(
    rewards: Sequence[float], choice: PairChoice, rng: random.Random
) -> tuple[int, ...]:
    """Return the places of the responses that take part in a pair, in their order."""
    return tuple(sorted({index for pair in choose_pairs(rewards, choice, rng) for index in pair}))


def pair_weights(
    rewards: Tensor, mask: Tensor, choice: PairChoice = "all", seed: int = 0
) -> Tensor:
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

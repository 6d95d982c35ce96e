"""Which prompt is trained when: the order of a whole run, fixed by the seed before it starts."""

import math
import random
from collections.abc import Sequence


def total_prompts(prompts: int, epochs: float, prompts_per_step: int, max_steps: int | None) -> int:
    """Prompts that a run trains on, each epoch's counted anew; at least one."""
    whole = max(1, round(prompts * epochs))
    return whole if max_steps is None else min(whole, max_steps * prompts_per_step)


def total_steps(prompts: int, prompts_per_step: int) -> int:
    """Optimiser steps; the last one may hold fewer prompts."""
    return math.ceil(prompts / prompts_per_step)


def training_order(
    sizes: Sequence[int], total: int, prompts_per_step: int, seed: int
) -> tuple[int, ...]:
    """Indices of prompts in the order of training.

    Each epoch is a seeded shuffle. Inside a step, prompts of similar size stand together: the
    gradient is the same, and rows of one micro-batch need less padding.

    Args:
        sizes: tokens of each prompt with its responses.
        total: how many prompts to train on; more than there are means more epochs.
        prompts_per_step: prompts of one optimiser step.
        seed: of the shuffles.
    """
    order: list[int] = []
    while len(order) < total:
        epoch = list(range(len(sizes)))
        random.Random(f"{seed}:{len(order)}").shuffle(epoch)
        order += epoch
    starts = range(0, total, prompts_per_step)
    steps = (order[start : min(start + prompts_per_step, total)] for start in starts)
    return tuple(index for step in steps for index in sorted(step, key=lambda i: -sizes[i]))

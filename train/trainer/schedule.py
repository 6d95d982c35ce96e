"""The order of training and its division among processes, fixed by the seed before a run starts."""

import math
import random
from collections.abc import Sequence

from train.config import TrainConfig
from train.errors import TrainError
from train.trainer.distributed import Processes


def training_order(sizes: Sequence[int], config: TrainConfig) -> tuple[int, ...]:
    """Return the indices of the prompts of a run in the order of training; at least one.

    The run passes over all prompts `epochs` times; `max_steps` decides where it is given, as in
    transformers: more steps mean more epochs. Each epoch is a seeded shuffle. Inside a step,
    prompts of similar size (tokens, with responses) stand together: the gradient is the same, and
    rows of one micro-batch need less padding.
    """
    per_step, steps = config.prompts_per_step, config.max_steps
    total = max(1, round(len(sizes) * config.epochs)) if steps is None else steps * per_step
    order: list[int] = []
    while len(order) < total:
        epoch = list(range(len(sizes)))
        random.Random(f"{config.seed}:{len(order)}").shuffle(epoch)
        order += epoch
    order = order[:total]
    parts = (order[start : start + per_step] for start in range(0, total, per_step))
    return tuple(index for part in parts for index in sorted(part, key=lambda i: -sizes[i]))


def check_processes(config: TrainConfig, processes: int) -> None:
    """Raise TrainError unless every process has equally many micro-batches in a step."""
    together = processes * config.prompts_per_batch
    if config.prompts_per_step % together:
        fits = max(together, config.prompts_per_step // together * together)
        raise TrainError(
            f"prompts_per_step {config.prompts_per_step} cannot be shared by {processes} processes "
            f"with prompts_per_batch {config.prompts_per_batch} each: set prompts_per_step to a "
            f"multiple of {together}, such as {fits}"
        )


def micro_batches(
    total: int, prompts_per_step: int, prompts_per_batch: int, processes: Processes
) -> tuple[range, ...]:
    """Return this process's micro-batches, as places in the order of training.

    The micro-batches of a step go round the processes, so that neighbours, which are of similar
    size, are computed at the same time. All processes have equally many; in a last step with too
    few prompts a process may have an empty one. Together they hold each of `total` places once.
    """
    batches: list[range] = []
    for start in range(0, total, prompts_per_step):
        end = min(start + prompts_per_step, total)
        count = math.ceil((end - start) / prompts_per_batch)
        for turn in range(0, count, processes.size):
            # Beyond the last prompt of the step the range is empty.
            first = start + (turn + processes.rank) * prompts_per_batch
            batches.append(range(first, min(first + prompts_per_batch, end)))
    return tuple(batches)

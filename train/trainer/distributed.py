"""The processes of a run: which of them this is, what they exchange, and their shares of the order.

`accelerate launch` and torchrun start a process a GPU and say so in the environment. Every function
here that exchanges something must be called by all of them, in the same order; with one process
all of them cost nothing. The order of training is fixed by the seed before a run starts.
"""

import gc
import math
import os
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist

from train.config import TrainConfig
from train.errors import ProcessLostError, TrainError


@dataclass(frozen=True, slots=True)
class Processes:
    """The number of processes of a run, and the rank of this one (from 0)."""

    rank: int = 0
    size: int = 1

    @property
    def main(self) -> bool:
        """True for the process that writes and emits events."""
        return self.rank == 0

    def gather(self, values: Sequence[Any]) -> list[Any]:
        """Wait for all processes, and return their values behind each other."""
        if self.size == 1:
            return list(values)
        parts: list[Any] = [None] * self.size
        dist.all_gather_object(parts, list(values))
        return [value for part in parts for value in part]

    def broadcast(self, value: Any) -> Any:
        """Return the main process's value."""
        return self.gather([value])[0]


#: A run of one process.
SINGLE_PROCESS = Processes()
#: The values that an FSDP configuration must have, and the reasons.
_FSDP_NEEDS = {
    "fsdp_version": ("2", "version 1 was never tried"),
    "fsdp_state_dict_type": ("SHARDED_STATE_DICT", "a state of adapters cannot be saved otherwise"),
    "fsdp_cpu_ram_efficient_loading": (
        "false",
        "every process computes a share of the reference with the whole base",
    ),
}


def join() -> Processes:
    """Join the other processes of this run, if there are any.

    Raises TrainError where the accelerate configuration does what this training cannot work with.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return SINGLE_PROCESS
    for key, (needed, why) in _FSDP_NEEDS.items() if sharding() == "fsdp" else ():
        value = os.environ.get(key.upper(), needed)
        if value.lower() != needed.lower():
            raise TrainError(
                f"the accelerate configuration sets {key} to {value}: set it to {needed} ({why}), "
                "as recipes/accelerate/fsdp2.yaml does"
            )
    from accelerate import PartialState

    state = PartialState(cpu=not torch.cuda.is_available())
    return Processes(state.process_index, state.num_processes)


def leave() -> None:
    """Leave the other processes for good; the last action of a process whose training succeeded.

    A process that fails must not come here: it could wait for others.
    """
    if dist.is_initialized():
        # An object that still holds the group when Python ends (in a cycle) would abort there.
        gc.collect()
        dist.destroy_process_group()


@contextmanager
def raise_on_lost_process(processes: Processes) -> Iterator[None]:
    """Raise ProcessLostError in place of a backend's error about a process that is gone."""
    try:
        yield
    except RuntimeError as error:
        # gloo raises plain RuntimeErrors that name its source files.
        if processes.size > 1 and (isinstance(error, dist.DistError) or "/gloo/" in str(error)):
            raise ProcessLostError(
                f"training process {processes.rank} of {processes.size} (from 0) lost another one, "
                "which ended or hangs; what was saved is kept: run the same command again"
            ) from error
        raise


def sharding() -> str:
    """Return how weights are sharded, to which a state is bound: `whole`, `fsdp`, `deepspeed`."""
    for name in ("fsdp", "deepspeed"):
        if os.environ.get(f"ACCELERATE_USE_{name.upper()}", "").lower() in ("1", "true"):
            return name
    return "whole"


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

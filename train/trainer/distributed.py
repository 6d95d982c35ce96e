"""Several training processes: which of them this is, and what they tell each other.

`accelerate launch` and torchrun start a process a GPU and say so in the environment. Every function
here that exchanges something must be called by all of them, in the same order; with one process
all of them cost nothing.
"""

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist

from train.errors import ProcessLostError, TrainError


@dataclass(frozen=True, slots=True)
class Processes:
    """The processes of a run: how many, and which of them this is (from 0)."""

    rank: int = 0
    size: int = 1

    @property
    def main(self) -> bool:
        """Whether this is the process that writes and tells."""
        return self.rank == 0

    def wait(self) -> None:
        """Go on when all have come here."""
        self.gathered([])

    def gathered(self, values: Sequence[Any]) -> list[Any]:
        """The values of all processes behind each other."""
        if self.size == 1:
            return list(values)
        found: list[Any] = [None] * self.size
        dist.all_gather_object(found, list(values))
        return [value for part in found for value in part]

    def agreed(self, value: Any) -> Any:
        """What the main process has, everywhere."""
        return self.gathered([value])[0]


#: What an FSDP configuration must say, and why.
_FSDP_NEEDS = {
    "fsdp_version": ("2", "version 1 was never tried"),
    "fsdp_state_dict_type": ("SHARDED_STATE_DICT", "a state of adapters cannot be saved otherwise"),
    "fsdp_cpu_ram_efficient_loading": (
        "false",
        "every process computes a share of the reference with the whole base",
    ),
}
#: A run of one process.
SINGLE_PROCESS = Processes()


def join() -> Processes:
    """Find the other processes of this run, if there are any.

    Raises:
        TrainError: the accelerate configuration does what this training cannot work with.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return SINGLE_PROCESS
    if _true("ACCELERATE_USE_FSDP"):
        _check_fsdp()
    from accelerate import PartialState

    state = PartialState(cpu=not torch.cuda.is_available())
    return Processes(state.process_index, state.num_processes)


def leave() -> None:
    """Part from the other processes; the last thing that a process which trained well does.

    They cannot be joined again. A process that fails must not come here: it could wait for others.
    """
    if dist.is_initialized():
        # What still holds the group when Python ends (a wrapper in a cycle) would abort there.
        gc.collect()
        dist.destroy_process_group()


@contextmanager
def raise_on_lost_process(world: Processes) -> Iterator[None]:
    """Within, what a backend says when another process is gone becomes one line.

    Raises:
        ProcessLostError: naming the process that noticed.
    """
    try:
        yield
    except RuntimeError as error:
        # gloo raises plain RuntimeErrors that name its source files.
        if world.size > 1 and (isinstance(error, dist.DistError) or "/gloo/" in str(error)):
            raise ProcessLostError(
                f"training process {world.rank} of {world.size} (from 0) lost another one, which "
                "ended or hangs; what was saved is kept: run the same command again"
            ) from error
        raise


def sharding() -> str:
    """How weights lie on the processes, which binds a saved state: `whole`, `fsdp`, `deepspeed`."""
    if _true("ACCELERATE_USE_FSDP"):
        return "fsdp"
    return "deepspeed" if _true("ACCELERATE_USE_DEEPSPEED") else "whole"


def _check_fsdp() -> None:
    for key, (needed, why) in _FSDP_NEEDS.items():
        found = os.environ.get(key.upper(), needed)
        if found.lower() != needed.lower():
            raise TrainError(
                f"the accelerate configuration sets {key} to {found}: set it to {needed} ({why}), "
                "as recipes/accelerate/fsdp2.yaml does"
            )


def _true(name: str) -> bool:
    return os.environ.get(name, "false").lower() in ("1", "true")

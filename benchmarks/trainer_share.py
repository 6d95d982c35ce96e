"""`make bench-trainer`: where a Trainer step's CPU time goes, and what of it is the Trainer's own.

The Trainer contestant of `train_contestants` runs under a profiler whose clock is the CPU time of
all threads. What the bare loop does too (forward pass, loss, backward pass, clipping, update) is
named; the rest is the Trainer's own, and its largest functions are listed.
"""

import argparse
import cProfile
import pstats
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer

from benchmarks.train_contestants import PROMPTS_PER_STEP, Setting, trainer
from benchmarks.train_problem import add_sources, pairs_file, problem

#: What the bare loop does too: a name, and the end of the file and the function that do it.
_SHARED = {
    "forward pass": ("train/model/logprobs.py", "logprobs"),
    "loss": ("train/objectives/objective.py", "__call__"),
    "backward pass": ("torch/_tensor.py", "backward"),
    "clipping": ("torch/nn/utils/clip_grad.py", "clip_grad_norm_"),
    "update": ("torch/optim/adam.py", "step"),
}


class Profiled:
    """A gate that nobody waits at: profiles all steps but the first."""

    def __init__(self, steps: int) -> None:
        self.profile = cProfile.Profile(timer=time.process_time)
        self._left = steps + 1
        self._steps = steps

    def begin(self) -> None:
        """Before a step: the second starts the profile."""
        if self._left == self._steps:
            self.profile.enable()

    def end(self) -> None:
        """After a step: the last ends it."""
        self._left -= 1
        if not self._left:
            self.profile.disable()


@dataclass(frozen=True, slots=True)
class Shares:
    """CPU-seconds of all profiled steps.

    Attributes:
        total: everything between the start of the first and the end of the last.
        shared: what the bare loop does too.
        own: functions of the rest, by the time in themselves.
    """

    total: float
    shared: Mapping[str, float]
    own: Mapping[str, float]


def shares(stats: Any) -> Shares:
    """Read a profile (`pstats.Stats`).

    Raises:
        RuntimeError: a function that the bare loop calls too was never called: it has moved.
    """
    entries = stats.stats.items()
    shared = {}
    for name, (file, function) in _SHARED.items():
        spent = [t[3] for (f, _, fn), t in entries if f.endswith(file) and fn == function]
        if not spent:
            raise RuntimeError(f"{name}: no call of {function} in {file} was seen")
        shared[name] = max(spent)  # cumulative; of wrappers of one name the outermost
    total = sum(timing[2] for _, timing in entries)
    theirs = {
        f"{Path(f).name}:{fn}": timing[2]
        for (f, _, fn), timing in entries
        if "transformers/trainer" in f
        or "accelerate" in f
        or f.endswith(("train/trainer/trainer.py",))
    }
    return Shares(total, shared, theirs)


def report(found: Shares, steps: int) -> str:
    """The shares as Markdown."""
    rest = found.total - sum(found.shared.values())
    lines = ["| part of a step | CPU-seconds | share, % |", "| --- | ---: | ---: |"]
    for name, spent in [*found.shared.items(), ("the Trainer's own", rest)]:
        lines.append(f"| {name} | {spent / steps:.3f} | {100 * spent / found.total:.1f} |")
    largest = sorted(found.own.items(), key=lambda item: -item[1])[:5]
    shown = ", ".join(f"{name} {1000 * spent / steps:.0f} ms" for name, spent in largest)
    return "\n".join([*lines, "", f"Largest of its functions by their own time: {shown}."])


def main() -> None:
    """Profile and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_sources(parser)
    parser.add_argument("--responses", type=int, default=4)
    parser.add_argument("--steps", type=int, default=5)
    asked = parser.parse_args()
    data = pairs_file(asked)
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(asked.model)
    prompts = PROMPTS_PER_STEP * (asked.steps + 1)
    groups = problem(tokenizer, data, prompts, asked.responses)
    gate = Profiled(asked.steps)
    trainer(Setting(asked.model, groups, gate))
    print(report(shares(pstats.Stats(gate.profile)), asked.steps))


if __name__ == "__main__":
    main()

"""`make bench-memory`: the most memory that training runs hold, beside what `--dry-run` says.

Each run is a process of its own: two steps of four prompts (pairs, `max_length` 512) of
SmolLM2-135M through `train.trainer.run`. The estimate counts what training needs; what the process
held before it began is added. Allocators keep freed pieces: run it again with another one
preloaded.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.train_problem import add_sources, pairs_file
from benchmarks.turns import peak_bytes
from train.config import TrainConfig, TrainJob
from train.data.prepare import prepare
from train.model.loading import load_tokenizer
from train.model.model_shape import count_parameters, model_configuration
from train.trainer.estimate import PromptLengths, estimate_memory, estimate_work
from train.trainer.run import run

SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "adapters, 4 prompts a batch": {"prompts_per_batch": 4},
    "adapters, 4 prompts, checkpointing": {"prompts_per_batch": 4, "checkpoint_activations": True},
    "adapters, 1 prompt": {"prompts_per_batch": 1},
    "adapters, 1 prompt, bf16": {"prompts_per_batch": 1, "dtype": "bfloat16"},
    "all weights, 4 prompts": {"prompts_per_batch": 4, "lora": None},
    "all weights, 4 prompts, checkpointing": {
        "prompts_per_batch": 4,
        "lora": None,
        "checkpoint_activations": True,
    },
    "all weights, 1 prompt": {"prompts_per_batch": 1, "lora": None},
}


@dataclass(frozen=True, slots=True)
class Peak:
    """Bytes: estimated for training alone, held before it, and the most held."""

    estimate: float
    before: int
    most: int


def config_of(name: str, data: Path) -> TrainConfig:
    """The run that a name stands for."""
    return TrainConfig(
        data=data,
        rows=8,
        prompts_per_step=4,
        max_steps=2,
        max_length=512,
        max_prompt_length=256,
        **SETTINGS[name],
    )


def one(name: str, model: Path, data: Path) -> Peak:
    """Train in this process."""
    config, before = config_of(name, data), peak_bytes()
    with tempfile.TemporaryDirectory() as folder:
        run(TrainJob(base=model, out=Path(folder) / "out", cache=Path(folder), config=config))
    most = peak_bytes()
    groups = prepare(config, load_tokenizer(model)).train
    lengths = [PromptLengths(len(g.prompt), tuple(map(len, g.responses))) for g in groups]
    shape = count_parameters(model_configuration(model, {}), config.lora)
    need = estimate_memory(config, shape, estimate_work(config, lengths, []))
    estimate = need.total_checkpointed if config.checkpoint_activations else need.total
    return Peak(estimate, before, most)


def apart(name: str, model: Path, data: Path) -> Peak:
    """Train in a process of its own."""
    options = ["--model", str(model), "--data-dir", str(data), "--one", name]
    command = [sys.executable, "-m", "benchmarks.train_memory", *options]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Peak(**json.loads(done.stdout.splitlines()[-1]))


def line(name: str, peak: Peak) -> str:
    """A row of the table."""
    expected = peak.estimate + peak.before
    numbers = (
        f"{expected / 1e9:.2f} | {peak.most / 1e9:.2f} | {100 * expected / peak.most - 100:+.0f} %"
    )
    return f"| {name} | {numbers} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_sources(parser)
    parser.add_argument("--runs", nargs="+", choices=SETTINGS, default=SETTINGS)
    parser.add_argument("--one", choices=SETTINGS, help="train in this process, print its bytes")
    asked = parser.parse_args()
    data = pairs_file(asked)
    if asked.one:
        peak = one(asked.one, asked.model, data)
        print(json.dumps({"estimate": peak.estimate, "before": peak.before, "most": peak.most}))
        return
    print("| run | estimate, GB | measured, GB | error |\n| --- | ---: | ---: | ---: |")
    for name in asked.runs:
        print(line(name, apart(name, asked.model, asked.data_dir)), flush=True)


if __name__ == "__main__":
    main()

"""What training steps are timed on: real text cut to seeded lengths, and its operations.

Prompts of 96 to 160 tokens and K responses of 64 to 192, cut from real preference pairs. Contents
do not change what a step costs; lengths do.
"""

import argparse
import itertools
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from train.config import TrainConfig
from train.data.groups import read_groups
from train.data.tokens import TokenGroup
from train.model.model_shape import ModelShape
from train.trainer.estimate import PromptLengths, estimate_operations, estimate_work

PROMPT = (96, 160)
RESPONSE = (64, 192)


def add_sources(parser: argparse.ArgumentParser) -> None:
    """The options that say where model and data are."""
    parser.add_argument("--model", type=Path, default=Path("models/smollm2-135m-instruct"))
    parser.add_argument("--data-dir", type=Path, default=Path("../shared/data"))


def pairs_file(asked: argparse.Namespace) -> Path:
    """The file of pairs; ends the program where it or the model is missing."""
    data: Path = asked.data_dir / "preference" / "ultrafeedback_binarized_train_1000.jsonl.gz"
    for path, remedy in ((asked.model, "run `make demo` once"), (data, "set --data-dir")):
        if not path.exists():
            sys.exit(f"{path}: missing; {remedy}")
    return data


def problem(
    tokenizer: Any, data: Path, prompts: int, responses: int, seed: int = 0
) -> list[TokenGroup]:
    """Prompts with K responses as token ids; the first response of a prompt is its best."""
    rng = random.Random(seed)
    tokens = _stream(tokenizer, data)

    def take(bounds: tuple[int, int]) -> tuple[int, ...]:
        return tuple(itertools.islice(tokens, rng.randint(*bounds)))

    rewards = tuple(float(responses - place) for place in range(responses))
    return [
        TokenGroup(
            take(PROMPT), tuple(take(RESPONSE) for _ in range(responses)), rewards, f"made:{n}"
        )
        for n in range(prompts)
    ]


def _stream(tokenizer: Any, data: Path) -> Iterator[int]:
    groups, _ = read_groups(data)
    for group in itertools.cycle(groups):
        for text in group.responses:
            yield from tokenizer(text, add_special_tokens=False)["input_ids"]


def useful_operations(model: ModelShape, group: TokenGroup) -> float:
    """Operations of a training step that no way of computing it can do without.

    Each unique token once through every matrix: 2 operations a weight forward, 4 backward; the head
    on response tokens only; attention 4 times the queries' width times visible keys forward, twice
    that backward (`train.trainer.estimate.operations`). Element-wise work is not counted.
    """
    lengths = PromptLengths(len(group.prompt), tuple(map(len, group.responses)))
    config = TrainConfig(data="none", prompts_per_step=1, prompts_per_batch=1, lora=None)
    return estimate_operations(model, estimate_work(config, [lengths], [])).training

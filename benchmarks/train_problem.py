"""What training steps are timed on: real text cut to seeded lengths, and its operations.

Prompts of 96 to 160 tokens and K responses of 64 to 192, cut from real preference pairs. Contents
do not change what a step costs; lengths do.
"""

import itertools
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from train.data import read_groups
from train.tokens import TokenGroup

PROMPT = (96, 160)
RESPONSE = (64, 192)


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


def useful_operations(model: Any, group: TokenGroup) -> float:
    """Operations of a training step that no way of computing it can do without.

    Each unique token once through every matrix: 2 operations a weight forward, 4 backward; the head
    on response tokens only; attention 4 times head width times visible keys forward, twice that
    backward. Element-wise work is not counted. Formula:
    6 (body weights x tokens + head weights x response tokens) + 12 layers x width x visible keys.
    """
    config = model.config
    width = config.num_attention_heads * (config.hidden_size // config.num_attention_heads)
    body = sum(weight.numel() for name, weight in model.named_parameters() if "layers." in name)
    head = config.vocab_size * config.hidden_size
    prompt = len(group.prompt)
    inputs = [len(response) - 1 for response in group.responses]
    predicted = sum(len(response) for response in group.responses)
    visible = prompt * (prompt + 1) / 2 + sum(n * prompt + n * (n + 1) / 2 for n in inputs)
    linear = 6 * (body * (prompt + sum(inputs)) + head * predicted)
    return linear + 12 * config.num_hidden_layers * width * visible

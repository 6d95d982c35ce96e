"""Token groups to score, and tiny models of other architectures."""

import random
from collections.abc import Callable

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from train.data.tokens import TokenGroup


def make_groups(shapes: list[tuple[int, list[int]]], vocabulary: int, seed: int = 0):  # noqa: ANN201
    """Groups of random tokens: for each prompt its length and its responses' lengths."""
    rng = random.Random(seed)

    def ids(length: int) -> tuple[int, ...]:
        return tuple(rng.randrange(vocabulary) for _ in range(length))

    return [
        TokenGroup(ids(prompt), tuple(map(ids, lengths)), tuple(map(float, lengths)), f"made:{n}")
        for n, (prompt, lengths) in enumerate(shapes)
    ]


@pytest.fixture
def groups() -> list[TokenGroup]:
    """Three prompts of 5 to 12 tokens with 2 to 4 responses of 1 to 9 tokens; 100 token ids."""
    return make_groups([(5, [3, 7, 1, 9]), (12, [4, 4]), (8, [2, 6, 5])], 100)


def _tiny(kind: str, **extra: object) -> PreTrainedModel:
    """A random model of an architecture: 2 layers, 32 wide, 100 tokens."""
    torch.manual_seed(1)
    settings = {
        "vocab_size": 100,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "max_position_embeddings": 128,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }
    config = AutoConfig.for_model(kind, **{**settings, **extra})
    return AutoModelForCausalLM.from_config(config).eval()


@pytest.fixture
def tiny() -> Callable[..., PreTrainedModel]:
    """A function from an architecture's name (and settings) to a tiny random model."""
    return _tiny


@pytest.fixture
def groups_of() -> Callable[..., list[TokenGroup]]:
    """A function from prompt and response lengths to groups of random tokens."""
    return make_groups

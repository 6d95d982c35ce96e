"""Activations that are computed again: the same numbers and gradients, in every form."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from train import TrainConfig
from train.config import LoraConfig
from train.data.tokens import TokenGroup
from train.model.loading import attach
from train.model.logprobs import Form, logprobs
from train.trainer.trainer import training_arguments


def policy(tiny: Callable[..., Any], lora: bool) -> Any:
    model = attach(tiny("llama", tie_word_embeddings=True), LoraConfig() if lora else None, 0)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:  # zero at the start, which would hide the gradient of A
            nn.init.normal_(parameter, std=0.02, generator=torch.Generator().manual_seed(1))
    return model.train()


def gradients(
    model: Any, groups: Sequence[TokenGroup], form: Form
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    sums, _ = logprobs(model, groups, form)
    weights = torch.arange(1, sums.numel() + 1, dtype=sums.dtype).view_as(sums)
    (sums * weights).sum().backward()
    named = model.named_parameters()
    return sums.detach(), {n: p.grad for n, p in named if p.requires_grad and p.grad is not None}


@pytest.mark.parametrize("lora", [False, True], ids=["full", "lora"])
@pytest.mark.parametrize("form", ["tree", "padded", "plain"])
def test_recomputing_changes_neither_log_probabilities_nor_gradients(
    tiny: Callable[..., Any], groups: list[TokenGroup], form: Form, lora: bool, tmp_path: Path
) -> None:
    kept, again = policy(tiny, lora), policy(tiny, lora)
    config = TrainConfig(data=tmp_path, checkpoint_activations=True)
    settings = training_arguments(config, tmp_path / "state")
    assert settings.gradient_checkpointing
    again.gradient_checkpointing_enable(settings.gradient_checkpointing_kwargs)
    calls = []
    for name, module in again.named_modules():
        if name.endswith("mlp"):
            module.register_forward_pre_hook(lambda *_: calls.append(1))

    expected, kept_gradients = gradients(kept, groups, form)
    sums, recomputed = gradients(again, groups, form)

    assert len(calls) == 2 * 2  # each of two layers, forward and again
    assert torch.equal(sums, expected)
    assert recomputed.keys() == kept_gradients.keys()
    assert all(bool((gradient != 0).any()) for gradient in kept_gradients.values())
    for name, gradient in recomputed.items():
        torch.testing.assert_close(gradient, kept_gradients[name])


def test_it_is_off_unless_asked_for(tmp_path: Path) -> None:
    assert not training_arguments(
        TrainConfig(data=tmp_path), tmp_path / "state"
    ).gradient_checkpointing

"""All forms say the same, values and gradients; a model that cannot is given a plainer form."""

import logging
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn

from train.data.tokens import TokenGroup
from train.model.logprobs import choose_form, logprobs, token_logps

KINDS = ["llama", "qwen2", "mistral", "gemma", "qwen3"]


def gradients(model: nn.Module, groups: list[TokenGroup], form: Any) -> tuple[Tensor, list[Tensor]]:
    model.zero_grad()
    logps, _ = logprobs(model, groups, form)
    weights = torch.linspace(-1, 1, logps.numel(), dtype=logps.dtype).view_as(logps)
    (weights * logps).sum().backward()
    return logps.detach(), [p.grad.clone() for p in model.parameters() if p.grad is not None]


@pytest.mark.parametrize("kind", KINDS)
def test_forms_agree_in_values_and_gradients(
    tiny: Any, kind: str, groups: list[TokenGroup]
) -> None:
    model = tiny(kind)
    oracle, lengths = logprobs(model, groups, "plain")
    assert lengths.tolist() == [[3, 7, 1, 9], [4, 4, 0, 0], [2, 6, 5, 0]]
    assert oracle[1, 2:].tolist() == [0, 0]
    for form in ("padded", "tree"):
        sums, same = logprobs(model, groups, form)
        assert sums.dtype == torch.float32
        assert (sums - oracle).abs().max() < 1e-4
        assert torch.equal(same, lengths)
    model = model.double()
    exact, expected = gradients(model, groups, "plain")
    for form in ("padded", "tree"):
        values, computed = gradients(model, groups, form)
        assert (values - exact).abs().max() < 1e-10
        assert len(computed) == len(expected)
        for ours, theirs in zip(computed, expected, strict=True):
            assert (ours - theirs).norm() <= 1e-5 * theirs.norm() + 1e-12


@pytest.mark.parametrize("kind", ["llama", "gemma"])
def test_forms_agree_under_an_adapter_with_a_frozen_tied_head(
    tiny: Any, kind: str, groups: list[TokenGroup]
) -> None:
    base = tiny(kind, tie_word_embeddings=True).double()
    model = get_peft_model(
        base, LoraConfig(r=2, target_modules="all-linear", init_lora_weights=False)
    ).double()
    model.eval()
    exact, expected = gradients(model, groups, "plain")
    values, computed = gradients(model, groups, "tree")
    assert (values - exact).abs().max() < 1e-10
    assert len(computed) == len(expected) == 28
    for ours, theirs in zip(computed, expected, strict=True):
        assert (ours - theirs).norm() <= 1e-5 * theirs.norm() + 1e-12


def test_one_prompt_does_not_see_the_other(tiny: Any, groups: list[TokenGroup]) -> None:
    model = tiny("llama")
    together, _ = logprobs(model, groups, "tree")
    for row, group in enumerate(groups):
        alone, _ = logprobs(model, [group], "tree")
        k = len(group.responses)
        assert (together[row, :k] - alone[0]).abs().max() < 1e-5


def test_a_model_of_eager_attention_takes_trees_too(tiny: Any, groups: list[TokenGroup]) -> None:
    model = tiny("llama", attn_implementation="eager")
    expected, _ = logprobs(model, groups, "plain")
    assert (logprobs(model, groups, "tree")[0] - expected).abs().max() < 1e-4


def test_a_form_that_is_given_up_leaves_the_model_as_it_was(
    tiny: Any, groups: list[TokenGroup]
) -> None:
    model = tiny("gemma2", attn_logit_softcapping=0.1, final_logit_softcapping=None)
    before = model.config._attn_implementation
    assert choose_form(model, groups, "tree") == "padded"
    assert model.config._attn_implementation == before


@pytest.mark.parametrize("kept", [0, 60, 1000])
def test_a_chunked_head_has_the_gradients_of_log_softmax(
    monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    monkeypatch.setattr("train.model.logprobs.CHUNK", 60)  # three tokens a chunk, of eight
    monkeypatch.setattr("train.model.logprobs.KEPT", kept)
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(8, 6, generator=generator, dtype=torch.float64)
    weight = torch.randn(20, 6, generator=generator, dtype=torch.float64)
    targets = torch.randint(20, (8,), generator=generator)
    for trained in (False, True):
        ours, theirs = (hidden.clone().requires_grad_() for _ in range(2))
        w_ours, w_theirs = (weight.clone().requires_grad_(trained) for _ in range(2))
        token_logps(ours, w_ours, None, targets).square().sum().backward()
        reference = (theirs @ w_theirs.T).log_softmax(1).gather(1, targets[:, None])
        reference.square().sum().backward()
        assert torch.allclose(ours.grad, theirs.grad, atol=1e-12)
        assert not trained or torch.allclose(w_ours.grad, w_theirs.grad, atol=1e-12)


def test_allowed_forms_are_kept(tiny: Any, groups: list[TokenGroup]) -> None:
    assert choose_form(tiny("llama"), groups, "tree") == "tree"
    assert choose_form(tiny("llama"), groups, "padded") == "padded"


def test_a_short_sliding_window_falls_back_to_padded(
    tiny: Any, groups: list[TokenGroup], caplog: pytest.LogCaptureFixture
) -> None:
    assert choose_form(tiny("mistral", sliding_window=64), groups, "tree") == "tree"
    with caplog.at_level(logging.WARNING):
        assert choose_form(tiny("mistral", sliding_window=10), groups, "tree") == "padded"
    assert "sliding window of 10 tokens is shorter" in caplog.text


def test_a_head_that_changes_its_logits_falls_back_to_plain(
    tiny: Any, groups: list[TokenGroup], caplog: pytest.LogCaptureFixture
) -> None:
    model = tiny("gemma2", final_logit_softcapping=0.5)
    with caplog.at_level(logging.WARNING):
        assert choose_form(model, groups, "tree") == "plain"
    assert "nat off" in caplog.text

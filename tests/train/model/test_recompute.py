"""Keeping less for the backward pass changes no number, and really keeps less."""

import copy
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from train.model import recompute

KINDS = ["llama", "qwen2", "mistral", "gemma", "qwen3"]
IDS = torch.arange(3, 43).view(2, 20)


def gradients(model: nn.Module) -> list[Tensor]:
    model.zero_grad()
    model(IDS).logits.sin().sum().backward()
    return [weight.grad.clone() for weight in model.parameters() if weight.grad is not None]


def kept(model: nn.Module) -> int:
    """Bytes that the forward pass keeps for the backward pass, weights aside."""
    weights = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    sizes: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        out = model(IDS).logits
    assert out.requires_grad
    return sum(size for place, size in sizes.items() if place not in weights)


@pytest.mark.parametrize("kind", KINDS)
def test_values_and_gradients_stay_and_less_is_kept(tiny: Any, kind: str) -> None:
    model = tiny(kind, intermediate_size=96).double()
    with torch.no_grad():
        values = model(IDS).logits
    expected, before = gradients(model), kept(model)
    recompute.install(model)
    with torch.no_grad():
        assert torch.equal(model(IDS).logits, values)
    for ours, theirs in zip(gradients(model), expected, strict=True):
        assert torch.equal(ours, theirs)
    assert kept(model) < 0.75 * before


class _Products(TorchDispatchMode):
    """Counts matrix products as they are run, below autograd."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func in (torch.ops.aten.mm.default, torch.ops.aten.addmm.default)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("adapters", [False, True])
def test_no_matrix_product_is_repeated(tiny: Any, adapters: bool) -> None:
    def products(model: nn.Module) -> int:
        with _Products() as seen:
            gradients(model)
        return seen.count

    model = tiny("llama")
    if adapters:
        model = get_peft_model(model, LoraConfig(r=2, target_modules="all-linear"))
    before = products(model)
    recompute.install(model)
    assert products(model) == before > 0


def test_a_copy_computes_with_its_own_weights(tiny: Any) -> None:
    model = tiny("llama")
    recompute.install(model)
    other = copy.deepcopy(model)
    with torch.no_grad():
        before = model(IDS).logits
        for weight in other.parameters():
            weight.mul_(2)
        assert torch.equal(model(IDS).logits, before)
        assert not torch.allclose(other(IDS).logits, before)
        for weight in other.model.layers.parameters():
            weight.mul_(2)
        again = other(IDS).logits
        for weight in model.model.layers.parameters():
            weight.mul_(0)
        assert torch.equal(other(IDS).logits, again)


def test_installing_twice_is_installing_once(tiny: Any) -> None:
    model = tiny("llama")
    recompute.install(model)
    first = [vars(module).get("forward") for module in model.modules()]
    recompute.install(model)
    assert [vars(module).get("forward") for module in model.modules()] == first


def test_other_modules_stay_as_they_are() -> None:
    plain = nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2), nn.SiLU())
    recompute.install(plain)
    assert not any("forward" in vars(module) for module in plain.modules())

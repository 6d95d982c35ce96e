"""QLoRA: refused in one line where it cannot be; where it can, a run holds its promises."""

import json
from collections.abc import Callable
from math import log
from pathlib import Path
from typing import Any

import pytest
import torch

from train import TrainConfig, TrainError, TrainJob
from train.model.loading import number_format, require_backend
from train.trainer.run import run


@pytest.fixture
def job(tiny_model: Path, tmp_path: Path, write_jsonl: Callable[..., Path]) -> Any:
    """A function from a name and config keys to a job on a 4-bit base."""
    row = {"prompt": "1 + 1?", "responses": ["It is 2.", "3", "No idea."], "rewards": [1, 0.5, 0]}
    data = write_jsonl("train.jsonl", [row | {"prompt": f"{n} + 1?"} for n in range(8)])

    def make(name: str, **keys: Any) -> TrainJob:
        settings = {"data": data, "alpha": 0, "warmup": 0, "max_steps": 2, "learning_rate": 1e-2}
        settings = {**settings, "prompts_per_step": 4, "lora": {"quantise": "nf4"}, **keys}
        where = {"out": tmp_path / name, "cache": tmp_path / "cache"}
        return TrainJob(base=tiny_model, config=TrainConfig(**settings), **where)

    return make


@pytest.fixture
def four_bits() -> None:
    """Skips where bitsandbytes is missing."""
    pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed")


def test_without_bitsandbytes_it_is_refused_before_the_data_is_read(
    job: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("train.model.loading.find_spec", lambda _: None)
    with pytest.raises(TrainError, match="pip install bitsandbytes, or leave") as caught:
        run(job("out", data=tmp_path / "absent.jsonl"))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_backend_that_does_not_work_is_refused_in_one_line(
    job: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: Any) -> None:
        raise RuntimeError("no library for this machine\nlong advice")

    monkeypatch.setattr("train.model.loading.find_spec", lambda _: True)
    monkeypatch.setattr("transformers.integrations.validate_bnb_backend_availability", broken)
    with pytest.raises(TrainError, match=r"no library for this machine.: pip") as caught:
        require_backend(job("out").config)
    assert "\n" not in str(caught.value)


def test_plain_configs_need_nothing_and_keep_their_cache_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("train.model.loading.find_spec", lambda _: None)
    for lora in (None, {}, {"rank": 4}):
        config = TrainConfig(data=Path("x"), dtype="bfloat16", lora=lora)
        require_backend(config)
        assert number_format(config) == "bfloat16"
    four = TrainConfig(data=Path("x"), dtype="bfloat16", lora={"quantise": "nf4"})
    assert number_format(four) == "bfloat16+nf4"
    with pytest.raises(ValueError, match="nf4"):
        TrainConfig(data=Path("x"), lora={"quantise": "int8"})


@pytest.mark.usefixtures("four_bits")
def test_the_base_is_in_four_bits_and_adapters_are_not(job: Any) -> None:
    import bitsandbytes as bnb

    from train.model.loading import attach, load_reference

    this = job("out", dtype="bfloat16")
    model = load_reference(this)
    policy = attach(model, this.config.lora, 0)
    layer = policy.get_base_model().model.layers[0].mlp.up_proj
    assert isinstance(layer.base_layer, bnb.nn.Linear4bit)
    assert layer.base_layer.weight.quant_type == "nf4"
    assert layer.base_layer.weight.quant_state.nested
    assert layer.base_layer.compute_dtype == torch.bfloat16
    assert not isinstance(policy.get_output_embeddings(), bnb.nn.Linear4bit)
    trained = {n: p for n, p in policy.named_parameters() if p.requires_grad}
    assert {p.dtype for p in trained.values()} == {torch.float32}
    assert {n.split(".")[-4] for n in trained} == {
        *("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    }
    assert all(m.p == 0 for m in policy.modules() if isinstance(m, torch.nn.Dropout))


@pytest.mark.usefixtures("four_bits")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_quantised_run_starts_at_its_own_reference_and_learns(job: Any, dtype: str) -> None:
    plain, four = job("plain", dtype=dtype, lora={}), job("four", dtype=dtype)
    assert run(plain).reference.computed == 24
    assert run(four).reference.computed == 24  # another base, another reference
    assert run(job("again", dtype=dtype, beta=0.3)).reference.computed == 0
    lines = [json.loads(line) for line in (four.out / "steps.jsonl").read_text().splitlines()]
    if dtype == "float32":
        assert lines[0]["loss"] == pytest.approx(2 * log(2), abs=1e-5)
    assert lines[-1]["loss"] < lines[0]["loss"]


@pytest.mark.usefixtures("four_bits")
def test_after_the_reference_gradients_are_those_of_the_same_weights_made_dense(
    job: Any, tiny_model: Path
) -> None:
    import bitsandbytes as bnb

    from train.model.loading import attach, load_base, load_reference

    this, ids = job("out"), torch.arange(5, 30)[None]
    four, dense = load_reference(this), load_base(tiny_model, "float32")
    with torch.no_grad():  # as the reference's pass does, before anything is trained
        four(input_ids=ids)
        for name, layer in four.named_modules():
            if isinstance(layer, bnb.nn.Linear4bit):
                weight = bnb.functional.dequantize_4bit(layer.weight.data, layer.weight.quant_state)
                dense.get_submodule(name).weight.copy_(weight)

    def gradients(model: Any) -> dict[str, torch.Tensor]:
        policy = attach(model, this.config.lora, 0).train()
        policy(input_ids=ids).logits.logsumexp(-1).sum().backward()
        return {n: p.grad for n, p in policy.named_parameters() if "lora_B" in n}

    quantised, expected = gradients(four), gradients(dense)
    assert len(quantised) == 2 * 7
    for name, grad in quantised.items():
        assert torch.allclose(grad, expected[name], atol=1e-6, rtol=1e-3), name


@pytest.mark.usefixtures("four_bits")
def test_a_quantised_runs_adapter_can_be_merged_and_trained_on(
    job: Any, tiny_model: Path, tmp_path: Path
) -> None:
    from transformers import AutoModelForCausalLM

    from train.model.loading import merge

    this = job("first")
    run(this)
    adapter = this.out / "checkpoint"
    merge(adapter, tiny_model, tmp_path / "merged")
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "merged").dtype == torch.float32
    run(job("second").model_copy(update={"adapter": adapter}))
    assert (tmp_path / "second" / "checkpoint" / "adapter_model.safetensors").is_file()

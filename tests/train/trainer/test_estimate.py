"""The estimate against the real thing: autograd's saved tensors, a real run, known model sizes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig

from train import TrainConfig, TrainError, TrainJob
from train.config import LoraConfig
from train.model import recompute, tree_attention
from train.model.loading import attach
from train.model.model_shape import count_parameters, model_configuration
from train.trainer.estimate import (
    PromptLengths,
    estimate_memory,
    estimate_operations,
    estimate_work,
    token_layer_bytes,
)
from train.trainer.run import run

MISTRAL = {
    "model_type": "mistral",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 32000,
}
MIXTRAL = {**MISTRAL, "model_type": "mixtral", "num_local_experts": 8, "num_experts_per_tok": 2}


def make_config(**keys: Any) -> TrainConfig:
    return TrainConfig(data=Path("data.jsonl"), **keys)


def saved_bytes(
    layers: int, lora: LoraConfig | None, dtype: torch.dtype, row: int, form: str
) -> int:
    """Count what autograd keeps of two rows in the layers of a small Llama, weights left out."""
    from transformers import AutoModelForCausalLM

    sizes = {"hidden_size": 64, "intermediate_size": 176, "num_attention_heads": 4}
    config = AutoConfig.for_model(
        "llama", vocab_size=50, num_key_value_heads=2, num_hidden_layers=layers, **sizes
    )
    model = attach(AutoModelForCausalLM.from_config(config).to(dtype), lora, 0).train()
    core = model.get_base_model().model if lora else model.model
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept: dict[int, tuple[int, torch.Tensor]] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        place = tensor.untyped_storage()
        if place.data_ptr() not in weights:
            kept[place.data_ptr()] = (place.nbytes(), tensor)
        return tensor

    seen: dict[str, Any] = {"attention_mask": torch.ones(2, 1, row, row, dtype=torch.bool).tril()}
    if form == "tree":
        tree_attention.install(core)
        recompute.install(core)
        seen = {"attention_mask": None, "trees": [[(row // 2, row // 4, row // 4)]] * 2}
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        core(input_ids=torch.zeros(2, row, dtype=torch.long), **seen)
    return sum(size for size, _ in kept.values())


@pytest.mark.parametrize("form", ["tree", "padded"])
@pytest.mark.parametrize("lora", [None, LoraConfig(rank=8)])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_layer_keeps_the_bytes_that_the_formula_says(
    lora: LoraConfig | None, dtype: str, form: str
) -> None:
    row = 96
    config = make_config(lora=lora, dtype=dtype, form=form)
    values = {"hidden_size": 64, "intermediate_size": 176, "num_attention_heads": 4}
    llama = {"model_type": "llama", "num_key_value_heads": 2, "vocab_size": 50}
    model = count_parameters(
        model_configuration(None, {**values, **llama, "num_hidden_layers": 2}), lora
    )
    kept = [saved_bytes(layers, lora, getattr(torch, dtype), row, form) for layers in (3, 2)]
    measured = (kept[0] - kept[1]) / (2 * row)
    assert token_layer_bytes(config, model, row) == pytest.approx(measured, rel=0.03)


def test_models_known_by_their_size_are_counted_from_values_alone() -> None:
    assert count_parameters(model_configuration(None, MISTRAL), None).total == 7_241_732_096
    mixtral = count_parameters(model_configuration(None, MIXTRAL), None)
    assert mixtral.total == mixtral.trained == 46_702_792_704
    # 12.9 billion parameters are at work for a token, embeddings among them.
    assert mixtral.active + 2 * mixtral.head == pytest.approx(12.9e9, rel=0.01)
    adapted = count_parameters(model_configuration(None, MISTRAL), LoraConfig(rank=16, scale=16))
    assert adapted.trained == 41_943_040
    assert adapted.rank == 16


def test_four_bits_shrink_the_linear_layers_alone() -> None:
    lora = LoraConfig(rank=16, quantise="nf4")
    model = count_parameters(model_configuration(None, MISTRAL), lora)
    work = estimate_work(make_config(), [PromptLengths(10, (5, 5))] * 8, [])
    plain = estimate_memory(make_config(dtype="bfloat16", lora=LoraConfig(rank=16)), model, work)
    four = estimate_memory(make_config(dtype="bfloat16", lora=lora), model, work)
    linear = 32 * (2 * 4096 * 4096 + 2 * 4096 * 1024 + 3 * 4096 * 14336)
    assert model.quantisable == linear
    assert plain.weights - four.weights == pytest.approx(linear * (2 - 0.516), rel=1e-3)
    assert four.optimiser == 8 * model.trained
    assert four.total > four.total_checkpointed > four.weights


def test_full_weights_cost_sixteen_bytes_each_in_fp32() -> None:
    model = count_parameters(model_configuration(None, MISTRAL), None)
    work = estimate_work(make_config(lora=None), [PromptLengths(10, (5, 5))] * 8, [])
    need = estimate_memory(make_config(lora=None), model, work)
    assert need.weights + need.gradients + need.optimiser == 16 * model.total


def test_steps_and_tokens_are_those_of_a_real_run(
    tiny_model: Path, tmp_path: Path, write_jsonl: Callable[..., Path]
) -> None:
    rows = [
        {"prompt": "x" * (n % 7 + 1), "responses": ["a" * (n % 5 + 1), "bb"], "rewards": [1, 0]}
        for n in range(11)
    ]
    data = write_jsonl("train.jsonl", rows)
    settings = {"epochs": 2, "prompts_per_step": 4, "probe": data, "probe_rows": 3}
    config = TrainConfig(data=data, **settings)
    result = run(
        TrainJob(base=tiny_model, out=tmp_path / "out", cache=tmp_path / "cache", config=config)
    )
    from train.data.prepare import prepare
    from train.model.loading import load_tokenizer

    prepared = prepare(config, load_tokenizer(tiny_model))
    lengths, probe = (
        [PromptLengths(len(g.prompt), tuple(map(len, g.responses))) for g in groups]
        for groups in (prepared.train, prepared.probe)
    )
    work = estimate_work(config, lengths, probe)
    assert work.steps == result.steps == 6
    assert work.prompts == 22
    last_tokens = 2 * 2 * 11  # the last token of a response is predicted and not fed
    assert work.training.given == 2 * result.train.tokens.tokens - last_tokens
    lines = [json.loads(t) for t in (tmp_path / "out" / "steps.jsonl").read_text().splitlines()]
    assert len([line for line in lines if line["split"] == "train"]) == work.steps


def test_the_shared_prompt_is_counted_once_in_a_tree_and_for_each_response_in_rows() -> None:
    groups = [PromptLengths(100, (11, 21))] * 4
    tree, padded = (
        estimate_work(make_config(form=form), groups, []) for form in ("tree", "padded")
    )
    assert (tree.training.given, padded.training.given) == (4 * 130, 4 * 230)
    assert (tree.row, tree.batch) == (260, 260)  # two prompts a batch, in one row
    assert (padded.row, padded.batch) == (120, 4 * 120)
    assert tree.training.predicted == padded.training.predicted == 4 * 32
    pairs = 100**2 / 2 + 100 * 10 + 10**2 / 2 + 100 * 20 + 20**2 / 2
    assert tree.training.attended == 4 * pairs
    assert padded.training.attended == 4 * (pairs + 100**2 / 2)


def test_operations_are_two_a_parameter_and_token_and_three_passes() -> None:
    work = estimate_work(
        make_config(lora=None), [PromptLengths(1, (1, 1))], []
    )  # one token in, two predicted
    full = count_parameters(model_configuration(None, MISTRAL), None)
    count = estimate_operations(full, work)
    forward = 2 * (full.active * 1 + full.head * 2)
    assert count.reference == pytest.approx(forward, rel=1e-4)
    assert count.training == pytest.approx(3 * forward, rel=1e-4)
    adapted = count_parameters(model_configuration(None, MISTRAL), LoraConfig(rank=16))
    assert estimate_operations(adapted, work).training == pytest.approx(
        2 * forward + 6 * adapted.trained, rel=1e-4
    )


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({**MISTRAL, "model_type": "mistrall"}, "no architecture"),
        ({"hidden_size": 64}, "model_type"),
        ({**MISTRAL, "hiden_size": 64}, "did you mean 'hidden_size'"),
        ({**MISTRAL, "hidden_size": "wide"}, "'hidden_size' expected int"),
        ({"model_type": "vit"}, "no model"),
    ],
)
def test_values_that_make_no_model_are_named(values: dict[str, Any], complaint: str) -> None:
    with pytest.raises(TrainError, match=complaint):
        count_parameters(model_configuration(None, values), None)

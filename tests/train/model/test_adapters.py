"""Adapters: merging one gives its own numbers, and training one on has it as its reference."""

import json
import shutil
from collections.abc import Callable
from math import log
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from train import TrainConfig, TrainError, TrainJob
from train.model.adapters import adopt_adapter
from train.model.files import fingerprint
from train.model.loading import merge
from train.trainer.run import run

IDS = torch.arange(5, 60)[None]
ROWS = [
    {
        "prompt": f"{n} + {n + 1}?",
        "responses": [f"It is {2 * n + 1}.", f"{2 * n + 1}!", "2", "No idea"],
        "rewards": [3, 2, 1, 0],
    }
    for n in range(8)
]


def adapted(base: Path, folder: Path, **keys: Any) -> Path:
    """A random LoRA adapter on a base, with the base's tokenizer, as SFT would leave it."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(3)
    defaults = {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "down_proj"]}
    settings = LoraConfig(**{**defaults, "lora_dropout": 0.1, "task_type": "CAUSAL_LM", **keys})
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), settings)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=1.0)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(base).save_pretrained(folder)
    return folder


def logits(folder: Path, adapter: Path | None = None) -> torch.Tensor:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    if adapter is not None:
        model = PeftModel.from_pretrained(model, adapter)
    with torch.no_grad():
        return model.eval()(input_ids=IDS).logits


@pytest.fixture
def sft(tiny_model: Path, tmp_path: Path) -> Path:
    """An SFT adapter on the tiny model: rank 4, scale 8, two target modules."""
    return adapted(tiny_model, tmp_path / "sft")


@pytest.fixture
def job(
    tiny_model: Path, sft: Path, tmp_path: Path, write_jsonl: Callable[..., Path]
) -> Callable[..., TrainJob]:
    """A function from config keys to a job that trains the SFT adapter on."""
    data = write_jsonl("train.jsonl", ROWS)

    def make(name: str = "out", **keys: Any) -> TrainJob:
        settings = {"data": data, "probe": data, "alpha": 0, "learning_rate": 1e-2, "warmup": 0}
        config = TrainConfig(**{**settings, "prompts_per_step": 4, "probe_rows": 4, **keys})
        where = {"out": tmp_path / name, "cache": tmp_path / "cache"}
        return TrainJob(base=tiny_model, adapter=sft, config=config, **where)

    return make


def test_a_merged_checkpoint_says_what_the_adapter_says(
    tiny_model: Path, sft: Path, tmp_path: Path
) -> None:
    from transformers import AutoTokenizer

    out = tmp_path / "deep" / "merged"
    merge(sft, tiny_model, out)

    expected = logits(tiny_model, sft)
    assert torch.allclose(logits(out), expected, atol=1e-4)
    assert not torch.allclose(logits(tiny_model), expected, atol=1e-2)
    tokenizer = AutoTokenizer.from_pretrained(out)
    assert tokenizer.chat_template == AutoTokenizer.from_pretrained(tiny_model).chat_template
    assert not (out / "adapter_config.json").exists()
    assert [path.name for path in out.parent.iterdir()] == ["merged"]


def test_merging_keeps_the_bases_dtype(tiny_model: Path, sft: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    base = tmp_path / "half"
    shutil.copytree(tiny_model, base)
    AutoModelForCausalLM.from_pretrained(base).to(torch.bfloat16).save_pretrained(base)
    merge(sft, base, tmp_path / "merged")

    weights = load_file(tmp_path / "merged" / "model.safetensors")
    assert {value.dtype for value in weights.values()} == {torch.bfloat16}
    assert json.loads((tmp_path / "merged" / "config.json").read_text())["dtype"] == "bfloat16"


def test_an_adapter_without_a_tokenizer_gets_its_bases(
    tiny_model: Path, sft: Path, tmp_path: Path
) -> None:
    from transformers import AutoTokenizer

    for file in (*sft.glob("token*"), *sft.glob("*.jinja")):
        file.unlink()
    merge(sft, tiny_model, tmp_path / "merged")
    assert AutoTokenizer.from_pretrained(tmp_path / "merged").chat_template


def test_what_cannot_be_merged_is_refused_and_nothing_is_left(
    tiny_model: Path, sft: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out" / "merged"
    names = ("other", "nan", "prompt", "bare", "tied")
    other, broken, prompt, bare, tied = (tmp_path / name for name in names)
    shutil.copytree(tiny_model, other)
    small = json.loads((other / "config.json").read_text()) | {"intermediate_size": 32}
    (other / "config.json").write_text(json.dumps(small))
    (other / "model.safetensors").unlink()
    _fresh(other)
    for folder in (broken, prompt, bare):
        shutil.copytree(sft, folder)
    weights = load_file(broken / "adapter_model.safetensors")
    save_file(
        {k: v * float("nan") for k, v in weights.items()}, broken / "adapter_model.safetensors"
    )
    settings = json.loads((prompt / "adapter_config.json").read_text())
    (prompt / "adapter_config.json").write_text(json.dumps({**settings, "peft_type": "IA3"}))
    (bare / "adapter_model.safetensors").unlink()
    shutil.copytree(sft, tied)
    (tied / "adapter_config.json").write_text(
        json.dumps({**settings, "target_modules": ["q_proj", "embed_tokens"]})
    )
    for adapter, base, target, complaint in [
        (tiny_model, tiny_model, out, "full checkpoint already"),
        (tmp_path, tiny_model, out, "no adapter"),
        (sft, tmp_path, out, "config.json is missing"),
        (sft, sft, out, "is an adapter"),
        (sft, tiny_model, tiny_model, "is there already"),
        (sft, other, out, "does not fit its base"),
        (broken, tiny_model, out, "cannot be merged"),
        (prompt, tiny_model, out, "only LoRA"),
        (bare, tiny_model, out, "adapter_model.safetensors is missing"),
        (tied, tiny_model, out, "ties"),
    ]:
        with pytest.raises(TrainError, match=complaint):
            merge(adapter, base, target)
    assert not out.parent.exists()


def _fresh(folder: Path) -> None:
    """Random weights for the configuration of a folder."""
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(folder)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)


def test_a_continued_adapter_starts_as_its_own_reference(
    job: Callable[..., TrainJob], tiny_model: Path, sft: Path
) -> None:
    from train.data.prepare import prepare
    from train.model.loading import load_base, load_reference, load_tokenizer
    from train.model.logprobs import logprobs

    this = job(max_steps=1)
    run(this)
    lines = [json.loads(line) for line in (this.out / "steps.jsonl").read_text().splitlines()]
    first = next(line for line in lines if line["split"] == "train")
    assert first["loss"] == pytest.approx(2 * log(2), abs=1e-5)
    assert first["logratio_best"] == pytest.approx(0, abs=1e-4)
    groups = prepare(this.config, load_tokenizer(sft)).train[:4]
    with torch.no_grad():
        policy, _ = logprobs(load_reference(this), groups, "padded")
        bare, _ = logprobs(load_base(tiny_model, "float32"), groups, "padded")
    assert (policy - bare).abs().max() > 0.1


def test_what_comes_out_is_the_same_kind_of_adapter_trained_on(
    job: Callable[..., TrainJob], tiny_model: Path, sft: Path
) -> None:
    this = job()
    run(this)
    out = this.out / "checkpoint"
    before, after = (load_file(f / "adapter_model.safetensors") for f in (sft, out))
    assert before.keys() == after.keys()
    moved = [float((before[name] - after[name]).abs().max()) for name in before]
    assert min(moved) > 0
    assert max(moved) < 0.2
    settings = json.loads((out / "adapter_config.json").read_text())
    assert (settings["r"], settings["lora_alpha"], settings["lora_dropout"]) == (4, 8, 0.0)
    assert sorted(settings["target_modules"]) == ["down_proj", "q_proj"]
    assert settings["base_model_name_or_path"] == str(tiny_model)
    assert fingerprint(sft) != fingerprint(out)


def test_a_reference_belongs_to_base_and_adapter_alike(
    job: Callable[..., TrainJob], tiny_model: Path, sft: Path, tmp_path: Path
) -> None:
    few = {"max_steps": 1, "rows": 4, "probe": None}
    assert run(job("a", **few)).reference.computed == 16
    assert run(job("b", beta=0.3, **few)).reference.computed == 0
    other = adapted(tiny_model, tmp_path / "other", r=2)
    assert run(job("c", **few).model_copy(update={"adapter": other})).reference.computed == 16
    base = tmp_path / "base"
    shutil.copytree(tiny_model, base)
    _fresh(base)
    assert run(job("d", **few).model_copy(update={"base": base})).reference.computed == 16


def test_a_killed_continuation_ends_as_if_nothing_had_been(job: Callable[..., TrainJob]) -> None:
    class Stop:
        def __call__(self, event: Any) -> None:
            if event.get("phase") == "train" and event["done"] == 1:
                raise KeyboardInterrupt

    whole, stopped = job("whole", save_every=1), job("stopped", save_every=1)
    run(whole)
    with pytest.raises(KeyboardInterrupt):
        run(stopped, [Stop()])
    run(stopped)
    expected, weights = (
        load_file(j.out / "checkpoint" / "adapter_model.safetensors") for j in (whole, stopped)
    )
    assert all(torch.equal(expected[name], weights[name]) for name in expected)


def test_a_config_takes_the_adapters_rank_and_is_refused_where_it_contradicts(
    sft: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data.jsonl"
    for keys in ({}, {"lora": {}}, {"lora": {"rank": 4}}, {"lora": {"rank": 4, "scale": 8}}):
        lora = adopt_adapter(TrainConfig(data=data, **keys), sft).lora
        assert lora is not None
        assert (lora.rank, lora.scale, lora.quantise) == (4, 8, None)
    kept = adopt_adapter(TrainConfig(data=data, lora={"quantise": "nf4"}), sft).lora
    assert kept is not None
    assert kept.quantise == "nf4"
    for lora, complaint in [
        ({"rank": 8}, r"lora\.rank: 8 is not .* write 4"),
        ({"rank": 4, "scale": 16}, r"lora\.scale: 16\S* is not .* write 8"),
        (None, "nca merge"),
    ]:
        with pytest.raises(TrainError, match=complaint):
            adopt_adapter(TrainConfig(data=data, lora=lora), sft)


def test_a_run_with_a_contradicting_config_writes_nothing(job: Callable[..., TrainJob]) -> None:
    this = job(lora={"rank": 16})
    with pytest.raises(TrainError, match="rank"):
        run(this)
    assert not this.out.exists()

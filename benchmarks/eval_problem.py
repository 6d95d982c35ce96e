"""What `bench-eval` asks: the first prompts of three suites, for a base or for adapters of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.engines.options import EngineChoice
from harness.evaluate.client.engine_groups import group_by_engine
from harness.evaluate.client.job import EvalJob
from harness.evaluate.client.loading import load_suites
from harness.recipe.schema import DecodingChanges

SUITES = ("gsm8k", "svamp", "arithmetic")
_RANK = 8
_STD = 0.002


@dataclass(frozen=True, slots=True)
class Prompt:
    """One request as an engine gets it; `adapter` is empty for the base."""

    token_ids: tuple[int, ...]
    adapter: str
    max_tokens: int
    stop: tuple[str, ...]


def make_adapters(base: Path, count: int, folder: Path) -> dict[str, str]:
    """Random LoRA adapters of rank 8 that change little; name -> folder."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    found = {}
    for seed in range(count):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_pretrained(base)
        config = LoraConfig(r=_RANK, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"])
        adapted: Any = get_peft_model(model, config)
        for name, weights in adapted.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(weights, std=_STD)
        out = folder / f"adapter{seed}"
        adapted.save_pretrained(out)
        found[out.name] = str(out)
    return found


def make_job(
    models: dict[str, str], out: Path, data_dir: Path, samples: int, max_tokens: int
) -> EvalJob:
    """The evaluation: every model on the first samples of each suite, greedy."""
    return EvalJob(
        models=models,
        fingerprints={name: name for name in models},
        suites=dict.fromkeys(SUITES, samples),
        decoding=DecodingChanges(max_tokens=max_tokens),
        engine=EngineChoice(name="vllm"),
        data_dir=data_dir,
        run=out / "run",
        journal=out / "journal.sqlite",
    )


def prompts(job: EvalJob) -> Iterator[Prompt]:
    """Its requests, in the order of suites and samples."""
    loaded = load_suites(job)
    for group in group_by_engine(job.models, job.fingerprints, job.engine):
        for item in loaded:
            for model in group.models:
                for sample in item.samples:
                    for asked in item.suite.ask(sample, ()):
                        ids = model.render(asked).token_ids or ()
                        how = asked.decoding
                        yield Prompt(ids, model.served_as, how.max_tokens, how.stop)

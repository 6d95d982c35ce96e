"""Adapters on the command line: merging one, and a recipe whose base is one."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from harness.engines.checkpoints import under
from harness.errors import ModelError
from harness.storage.atomic_files import read_lines
from harness.storage.result import read_result

ROOT = Path(__file__).resolve().parents[3]
RECIPE = """
name: on-adapter
base: sft
train: {data: train.jsonl, max_steps: 1, prompts_per_step: 2, alpha: 0, learning_rate: 1.0e-2}
checkpoints: {nca: {method: nca}}
evaluate: {suites: [arithmetic], limit: 3, engine: {name: transformers}}
"""


@pytest.fixture
def sft(tiny_model: Path, tmp_path: Path) -> Path:
    """An adapter (rank 2, scale 4) on the tiny model; its folder has no tokenizer."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(3)
    settings = LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(tiny_model), settings)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight)
    model.save_pretrained(tmp_path / "sft")
    return tmp_path / "sft"


def nca(*arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    environment |= {"HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "harness.cli.main", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def rebased(adapter: Path, base: str) -> None:
    """Make an adapter name another base."""
    file = adapter / "adapter_config.json"
    settings = json.loads(file.read_text()) | {"base_model_name_or_path": base}
    file.write_text(json.dumps(settings))


def test_merge_makes_a_checkpoint_once(sft: Path, tiny_model: Path, tmp_path: Path) -> None:
    done = nca("merge", "sft", "-o", "full", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "merged: full\n"
    assert (tmp_path / "full" / "config.json").is_file()
    assert (tmp_path / "full" / "chat_template.jinja").is_file()
    again = nca("merge", "sft", "-o", "full", folder=tmp_path)
    assert again.returncode == 2
    assert "is there already" in again.stderr


def test_merge_finds_a_base_that_moved_by_its_option(
    sft: Path, tiny_model: Path, tmp_path: Path
) -> None:
    rebased(sft, "/gone/away")
    lost = nca("merge", "sft", "-o", "full", folder=tmp_path)
    assert lost.returncode == 2
    assert "/gone/away" in lost.stderr
    assert "--base" in lost.stderr
    assert "Traceback" not in lost.stderr
    assert not (tmp_path / "full").exists()
    found = nca("merge", "sft", "-o", "full", "--base", str(tiny_model), folder=tmp_path)
    assert found.returncode == 0, found.stderr


def test_merge_refuses_a_full_checkpoint_and_a_folder_without_one(
    tiny_model: Path, tmp_path: Path
) -> None:
    full = nca("merge", str(tiny_model), "-o", "full", folder=tmp_path)
    assert (full.returncode, "use it as it is" in full.stderr) == (2, True)
    none = nca("merge", "nowhere", "-o", "full", folder=tmp_path)
    assert (none.returncode, "no such checkpoint folder" in none.stderr) == (2, True)


def test_an_adapter_on_an_adapter_is_refused(sft: Path, tmp_path: Path) -> None:
    rebased(sft, str(sft))
    with pytest.raises(ModelError, match="nca merge"):
        under(sft, tmp_path)


def test_a_base_may_be_named_relative_to_its_adapter(
    sft: Path, tiny_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "plain").symlink_to(tiny_model)
    rebased(sft, "../plain")
    assert under(sft, tmp_path) == tiny_model.resolve()


def test_a_recipe_on_an_adapter_trains_it_on_and_compares_with_it(
    sft: Path, tiny_model: Path, tmp_path: Path
) -> None:
    row = {"prompt": "1 + 1?", "responses": ["It is 2.", "3", "No idea."], "rewards": [1, 0.5, 0]}
    rows = [row | {"prompt": f"{n} + 1?"} for n in range(4)]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    (tmp_path / "recipe.yaml").write_text(RECIPE)

    done = nca("run", "recipe.yaml", "--tracking", "none", folder=tmp_path)
    alone = nca(
        *("eval", "sft", str(tiny_model), "--suites", "arithmetic", "--limit", "3"),
        *("--engine", "transformers", "--tracking", "none"),
        folder=tmp_path,
    )

    assert done.returncode == 0, done.stderr
    (folder,) = tmp_path.glob("runs/on-adapter-*")
    base, trained = read_result(folder).checkpoints
    assert (base.name, trained.name) == ("base", "nca")
    assert trained.train is not None
    assert trained.train["lora"] == {"rank": 2, "scale": 4.0, "quantise": None}
    first = read_lines(folder / "train" / "nca" / "steps.jsonl")[0]
    assert first["loss"] == pytest.approx(math.log(2) + math.log(2), abs=1e-5)
    told = json.loads((folder / "train" / "nca" / "checkpoint" / "adapter_config.json").read_text())
    assert told["base_model_name_or_path"] == str(tiny_model)
    # The base row is the adapter itself: `nca eval` of it finds all its answers in the journal.
    assert "answers: 3 asked, 3 reused" in alone.stdout


def test_a_recipe_that_contradicts_its_adapter_starts_nothing(sft: Path, tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"prompt": "a", "chosen": "b", "rejected": "c"}\n')
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    for override, said in [("train.lora.rank=8", "rank: 8"), ("train.lora=null", "nca merge")]:
        done = nca("train", "recipe.yaml", "--set", override, folder=tmp_path)
        assert done.returncode == 2
        assert said in done.stderr
    assert not list(tmp_path.glob("runs/on-adapter-*"))

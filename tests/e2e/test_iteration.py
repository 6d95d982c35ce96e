"""Two rounds of sampling and training on the tiny model, through the whole pipeline."""

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from transformers import AutoTokenizer, LlamaConfig, LlamaForSequenceClassification

from harness.storage.atomic_files import read_json, read_lines
from harness.storage.result import read_result

ROOT = Path(__file__).resolve().parents[2]
RECIPE = """
name: rounds
base: {base}
sample:
  first: {{prompts: "arithmetic:train", k: 3, limit: 6, max_tokens: 12, reward_model: reward}}
  second: {{checkpoint: one, prompts: "arithmetic:train", k: 3, limit: 6, max_tokens: 12,
    reward_model: reward}}
train: {{max_steps: 2, prompts_per_step: 2, prompts_per_batch: 2, learning_rate: 1.0e-2}}
checkpoints:
  one: {{data: "sample:first"}}
  two: {{data: "sample:second", base: one}}
evaluate: {{suites: [arithmetic], limit: 2, engine: {{name: transformers}}}}
"""


@pytest.fixture
def folder(tmp_path: Path, tiny_model: Path) -> Path:
    """A recipe, and a random reward model: the tiny model's texts would all earn nothing."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=258,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_labels=1,
        pad_token_id=1,
    )
    LlamaForSequenceClassification(config).save_pretrained(tmp_path / "reward")
    AutoTokenizer.from_pretrained(tiny_model).save_pretrained(tmp_path / "reward")
    (tmp_path / "recipe.yaml").write_text(RECIPE.format(base=tiny_model))
    return tmp_path


def nca(*arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-m", "harness.cli.main", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_two_rounds_and_again_without_work(folder: Path) -> None:
    first = nca("run", "recipe.yaml", "--tracking", "none", folder=folder)
    again = nca("run", "recipe.yaml", "--tracking", "none", folder=folder)
    shown = nca("data", "show", "recipe.yaml", "--checkpoint", "two", folder=folder)

    assert first.returncode == 0, first.stderr
    titles = [line for line in first.stdout.splitlines() if line.startswith("[")]
    begun = [line for line in titles if "done in" not in line]
    names = ("sample first", "train one", "sample second", "train two", "evaluate")
    assert begun == [f"[{number}/5] {name}" for number, name in enumerate(names, start=1)]
    assert again.stdout.count("done already") == 5
    assert shown.returncode == 0, shown.stderr
    (run,) = folder.glob("runs/rounds-*")
    rows = read_lines(run / "sample" / "second" / "rows.jsonl")
    assert rows[0]["messages"][0]["content"] in shown.stdout
    check_rounds(run)


def check_rounds(run: Path) -> None:
    """The second round is sampled from the first, and trained on it with it as the reference."""
    result = read_result(run)
    assert [one.name for one in result.checkpoints] == ["base", "one", "two"]
    prints = {one.name: one.fingerprint for one in result.checkpoints}
    told = {
        name: yaml.safe_load((run / "sample" / name / "provenance.yaml").read_text())
        for name in ("first", "second")
    }
    assert told["first"]["checkpoint"] == {"name": "base", "fingerprint": prints["base"]}
    assert told["second"]["checkpoint"] == {"name": "one", "fingerprint": prints["one"]}
    assert result.samples == told
    job = read_json(run / "train" / "two" / "resolved.json")["job"]
    assert job["adapter"] == str(run / "train" / "one" / "checkpoint")
    steps = read_lines(run / "train" / "two" / "steps.jsonl")
    # NCA at a margin of zero, which is where it is when the policy is the reference.
    assert steps[0]["loss"] == pytest.approx(2 * math.log(2), abs=1e-5)
    assert len(set(prints.values())) == 3

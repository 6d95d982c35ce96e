"""Two rounds of sampling and training on the tiny model, through the whole pipeline."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from transformers import AutoTokenizer, LlamaConfig, LlamaForSequenceClassification

from harness.result import read_result
from harness.runs import read_json, read_lines

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
    before = nca("train", "recipe.yaml", "--dry-run", folder=folder)
    audit = nca("audit", "recipe.yaml", folder=folder)
    early = nca("data", "show", "recipe.yaml", folder=folder)
    first = nca("run", "recipe.yaml", "--tracking", "none", folder=folder)
    again = nca("run", "recipe.yaml", "--tracking", "none", folder=folder)
    shown = nca("data", "show", "recipe.yaml", "--checkpoint", "two", folder=folder)

    assert "6 prompts at most, which are still to be sampled" in before.stdout, before.stderr
    assert "6 prompts hold 0 of 2 questions whole" in audit.stdout, audit.stderr
    assert (early.returncode, "not sampled yet" in early.stderr) == (2, True)
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


def test_another_first_round_makes_all_anew_in_a_folder_of_its_own(folder: Path) -> None:
    done = nca("train", "recipe.yaml", "--tracking", "none", folder=folder)
    other = nca(
        *("train", "recipe.yaml", "--tracking", "none", "--set", "sample.first.seed=1"),
        folder=folder,
    )

    assert (done.returncode, other.returncode) == (0, 0), other.stderr
    assert "done already" not in other.stdout
    one, two = sorted(folder.glob("runs/rounds-*"))
    files = [run / "sample" / "second" / "rows.jsonl" for run in (one, two)]
    assert files[0].read_bytes() != files[1].read_bytes()
    keys = {json.loads((f.parent / "done.json").read_text())["key"] for f in files}
    assert len(keys) == 2


def test_what_cannot_be_sampled_is_said_before_anything_starts(folder: Path) -> None:
    for override, said in [
        ("sample.second.prompts=gsm8k", "gsm8k"),
        ("sample.second.reward_model=nowhere/here/model", "nowhere/here/model"),
        ("evaluate.engine={name: openai, base_url: 'http://localhost:1/v1'}", "sample.first: an "),
        ("checkpoints.two.lora={rank: 4}", "lora.rank: 4 is not what checkpoint one has"),
        ("checkpoints.two.lora=null", "checkpoint one is an adapter"),
    ]:
        done = nca(
            *("train", "recipe.yaml", "--tracking", "none", "--set", override), folder=folder
        )
        assert (done.returncode, said in done.stderr) == (2, True), (override, done.stderr)
        assert not list(folder.glob("runs/rounds-*/*/*/done.json"))

"""The benchmark of a training step runs whole, on a model that is done in no time."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data folder with a few pairs under the name that the benchmarks read."""
    data = tmp_path / "preference" / "ultrafeedback_binarized_train_1000.jsonl.gz"
    data.parent.mkdir()
    rows = [{"prompt": f"q{n}", "chosen": "yes " * 50, "rejected": "no " * 50} for n in range(8)]
    with gzip.open(data, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return tmp_path


def run(module: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_all_contestants_take_their_turns(tiny_model: Path, data_dir: Path) -> None:
    size = ("--responses", 4, "--blocks", 2, "--steps", 1, "--gemm", 64)
    done = run("train_step", "--model", tiny_model, "--data-dir", data_dir, *size)
    assert done.returncode == 0, done.stderr
    assert "### K = 4, 2 blocks" in done.stdout
    for name in ("trl", "trl_precomputed", "padded", "tree_with_reference", "trainer"):
        assert f"| {name} |" in done.stdout
    assert "Peak memory of ours over TRL's" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_trainers_share_adds_up(tiny_model: Path, data_dir: Path) -> None:
    done = run("trainer_share", "--model", tiny_model, "--data-dir", data_dir, "--steps", 2)
    assert done.returncode == 0, done.stderr
    lines = [line.split("|") for line in done.stdout.splitlines() if line.startswith("|")][2:]
    assert [line[1].strip() for line in lines][::5] == ["forward pass", "the Trainer's own"]
    assert sum(float(line[3]) for line in lines) == pytest.approx(100, abs=0.4)
    assert all(float(line[2]) >= 0 for line in lines)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_memory_is_measured_beside_its_estimate(tiny_model: Path, data_dir: Path) -> None:
    runs = ("adapters, 1 prompt", "all weights, 4 prompts, checkpointing")
    place = ("--model", tiny_model, "--data-dir", data_dir)
    done = run("train_memory", *place, "--runs", *runs)
    assert done.returncode == 0, done.stderr
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines()[2:]]
    assert [row[0] for row in rows] == list(runs)
    # A model of a few thousand weights: the process itself is nearly all of both.
    assert all(0.2 < float(number) < 3 for row in rows for number in row[1:3])


@pytest.mark.parametrize("module", ["train_step", "trainer_share", "train_memory"])
def test_a_missing_model_is_said_in_one_line(module: str, tmp_path: Path) -> None:
    done = run(module, "--model", tmp_path / "none")
    assert done.returncode == 1
    assert done.stderr.strip() == f"{tmp_path / 'none'}: missing; run `make demo` once"

"""The benchmark of a training step runs whole, on a model that is done in no time."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_all_contestants_take_their_turns(tiny_model: Path, tmp_path: Path) -> None:
    data = tmp_path / "preference" / "ultrafeedback_binarized_train_1000.jsonl.gz"
    data.parent.mkdir()
    rows = [{"prompt": f"q{n}", "chosen": "yes " * 50, "rejected": "no " * 50} for n in range(8)]
    with gzip.open(data, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.train_step", "--model", str(tiny_model)),
            *("--data-dir", str(tmp_path), "--responses", "4", "--blocks", "2"),
            *("--steps", "1", "--gemm", "64"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "### K = 4, 2 blocks" in done.stdout
    for name in ("trl", "trl_precomputed", "padded", "tree_with_reference", "trainer"):
        assert f"| {name} |" in done.stdout
    assert "Peak memory of ours over TRL's" in done.stdout


def test_a_missing_model_is_said_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.train_step", "--model", str(tmp_path / "none")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.strip() == f"{tmp_path / 'none'}: missing; run `make demo` once"

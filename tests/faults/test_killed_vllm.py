"""SIGKILL in the middle of a real evaluation on vLLM: nothing is lost, nobody is left behind."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from harness.engines.vllm import _installed
from harness.result import read_result

ROOT = Path(__file__).resolve().parents[2]
RECIPE = """
name: killed
base: {base}
evaluate:
  suites: [arithmetic]
  limit: 16
  engine: {{name: vllm, concurrency: 2}}
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(_installed() is None, reason="vLLM is not installed"),
]


def answers(journal: Path) -> int:
    if not journal.exists():
        return 0
    with sqlite3.connect(f"file:{journal}?mode=ro", uri=True) as db:
        try:
            return int(db.execute("SELECT count(*) FROM entries").fetchone()[0])
        except sqlite3.OperationalError:  # being made
            return 0


def marked(mark: str) -> list[int]:
    """Processes that were started below us with this mark in their environment."""
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in environment.read_bytes():
                found.append(int(environment.parent.name))
        except OSError:  # it has just ended, or is not ours
            continue
    return found


def test_killed_on_vllm_it_asks_only_what_is_missing(smollm2: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE.format(base=smollm2), encoding="utf-8")
    mark = f"NCA_TEST_MARK={uuid.uuid4()}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **dict([mark.split("=")])}
    command = [sys.executable, "-m", "harness.cli", "run", str(recipe), "--tracking", "none"]
    journal = tmp_path / "runs" / "journal.sqlite"

    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while answers(journal) < 3 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    running = len(marked(mark))
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 20
    while (left := marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.1)
    kept = answers(journal)
    again = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert running >= 3  # the command, its stage and vLLM's engine core
    assert left == []
    assert 3 <= kept < 16
    assert again.returncode == 0, again.stderr
    assert f"answers: {16 - kept} asked, {kept} reused" in again.stdout
    (folder,) = (tmp_path / "runs").glob("killed-*")
    (base,) = read_result(folder).checkpoints
    assert len(base.suites["arithmetic"].samples) == 16

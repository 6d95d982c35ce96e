"""Nothing that was started outlives what started it. Real processes, real signals."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from harness.storage.atomic_files import write_json

LEADER = """
import subprocess, sys, time
from pathlib import Path
from harness.pipeline.processes import end_with_parent
end_with_parent()
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
Path(sys.argv[1]).write_text(str(child.pid))
time.sleep(600)
"""

PARENT = """
import sys
from pathlib import Path
from harness.pipeline.launch import Stage, launch
from harness.storage.atomic_files import read_json
folder = Path(sys.argv[1])
described = read_json(folder / "given.json")
launch(Stage("evaluate", "", folder / "stage", "k", described), lambda event: None)
"""


def wait_for(path: Path) -> str:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if path.exists() and path.read_text():
            return path.read_text()
        time.sleep(0.02)
    raise AssertionError(f"{path} never came")


def gone(pid: int) -> bool:
    """Whether a process ended (a zombie that nobody reaped has ended)."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_grandchildren_end_with_a_killed_stage(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    leader = subprocess.Popen([sys.executable, "-c", LEADER, str(note)], start_new_session=True)
    grandchild = int(wait_for(note))

    leader.send_signal(signal.SIGKILL)
    leader.wait()

    assert gone(grandchild)


def test_a_stage_ends_with_its_killed_parent(tmp_path: Path, tiny_model: Path) -> None:
    job = {
        "models": {"base": str(tiny_model)},
        "fingerprints": {"base": "one"},
        "suites": {"arithmetic": 200},
        "engine": {"name": "fake", "concurrency": 1, "options": {"delay_s": "0.5"}},
        "run": str(tmp_path / "run"),
        "journal": str(tmp_path / "journal.sqlite"),
    }
    write_json(tmp_path / "given.json", job)
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)])
    import json

    stage = int(json.loads(wait_for(tmp_path / "stage" / "stage.lock"))["pid"])
    assert os.getpgid(stage) == stage

    parent.send_signal(signal.SIGKILL)
    parent.wait()

    assert gone(stage)

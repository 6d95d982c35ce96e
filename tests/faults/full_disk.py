"""Evaluates on a disk that is full, and again once there is room; run in a mount namespace.

    unshare -Urm python tests/faults/full_disk.py FOLDER MODEL

Mounts a small tmpfs on the folder; prints as JSON what the two runs said, how many answers the
first one left, and whether the journal is sound.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from harness.storage.journal.check import check
from harness.storage.journal.entries import Journal

MB = 2**20


def evaluate(folder: Path, model: str) -> dict[str, Any]:
    """What `nca eval` said, with 400 answers of the fake engine."""
    command = [
        *(sys.executable, "-m", "harness.cli.main", "eval", f"m={model}", "--suites", "arithmetic"),
        *("--engine", "fake", "--repeats", "2", "--temperature", "1", "--tracking", "none"),
        *("--runs", str(folder / "runs"), "--models", str(folder / "models")),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    return {"code": done.returncode, "output": done.stdout, "error": done.stderr}


def main() -> None:
    """Run twice and tell."""
    folder, model = Path(sys.argv[1]), sys.argv[2]
    mount = ["mount", "-t", "tmpfs", "-o", f"size={32 * MB}", "tmpfs", str(folder)]
    subprocess.run(mount, check=True)
    (folder / "filler").write_bytes(bytes(32 * MB - MB))
    full = evaluate(folder, model)
    journal = folder / "runs" / "journal.sqlite"
    sound = check(journal).sound
    (folder / "filler").unlink()
    with Journal(journal) as opened:
        kept = opened.counts().get("answer", 0)
    again = evaluate(folder, model)
    print(json.dumps({"full": full, "kept": kept, "sound": sound, "again": again}))


if __name__ == "__main__":
    sys.path.insert(0, os.environ.get("PYTHONPATH", ""))
    main()

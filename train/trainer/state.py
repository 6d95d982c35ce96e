"""Where an unfinished run can go on: the Trainer's saved states of this very job."""

import json
import shutil
from pathlib import Path

_JOB = "job.txt"


def last_state(folder: Path, identity: str) -> tuple[Path, int] | None:
    """The newest whole state and its step, or None; what belongs to another job is removed.

    Args:
        folder: holds `checkpoint-<step>/` folders.
        identity: what the states must belong to (config, weights, data).
    """
    mark = folder / _JOB
    if not mark.is_file() or mark.read_text(encoding="utf-8") != identity:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        mark.write_text(identity, encoding="utf-8")
        return None
    found = None
    for state in sorted(folder.glob("checkpoint-*"), key=_step):
        if _whole(state):
            found = (state, _step(state))
        else:
            shutil.rmtree(state)
    return found


def _step(state: Path) -> int:
    return int(state.name.rpartition("-")[2])


def _whole(state: Path) -> bool:
    """Whether the Trainer got to the end: it writes trainer_state.json last."""
    try:
        saved = json.loads((state / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(saved["global_step"] == _step(state))

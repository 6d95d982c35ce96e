"""steps.jsonl: one line a log record, whole lines only, none twice after a resume."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def append(path: Path, record: Mapping[str, Any]) -> None:
    """Add a record as one line."""
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(record) + "\n")


def rewind(path: Path, step: int) -> list[dict[str, Any]]:
    """Drop what a run that goes on at `step` will log again, and a torn last line.

    A train record is labelled with the updates made before it, a probe record with those made
    when it was scored: at `step`, the probe has been logged and the train record not.

    Returns:
        The records that stay.
    """
    kept = [record for record in _whole_lines(path) if _before(record, step)]
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    new.write_text("".join(json.dumps(record) + "\n" for record in kept), encoding="utf-8")
    new.replace(path)
    return kept


def _before(record: Mapping[str, Any], step: int) -> bool:
    return bool(record["step"] < step or (record["split"] == "probe" and record["step"] == step))


def _whole_lines(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines[:-1]]  # what follows the last newline is torn

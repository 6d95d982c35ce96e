"""What small files tell, whoever wrote them: values of the kind that is expected, or nothing."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: Enough of a file's end to hold the last lines of a curve.
_TAIL = 65536
#: No number that is shown is larger; JSON allows any.
_MOST = 1e15


def mapping(value: Any) -> Mapping[str, Any]:
    """A JSON object, or an empty one in place of anything else."""
    return value if isinstance(value, Mapping) else {}


def number(value: Any) -> float | None:
    """A number that can be shown; neither truth values nor NaN are any."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < _MOST else None  # NaN is not less, either


def parsed(text: str) -> Mapping[str, Any]:
    """The object that a JSON text holds."""
    try:
        return mapping(json.loads(text))
    except (ValueError, RecursionError):
        return {}


def read(file: Path) -> Mapping[str, Any]:
    """The object that a JSON file holds; an empty one where it cannot be read."""
    try:
        return parsed(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return {}


def last_lines(file: Path, count: int) -> list[str]:
    """The last lines of a file that hold anything; none where it cannot be read."""
    try:
        with file.open("rb") as opened:
            opened.seek(max(0, opened.seek(0, os.SEEK_END) - _TAIL))
            text = opened.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    return [line for line in text.split("\n") if line.strip()][-count:]


def modified(path: Path) -> int:
    """When a file or folder was last changed, nanoseconds since 1970; 0 where it is not there."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0

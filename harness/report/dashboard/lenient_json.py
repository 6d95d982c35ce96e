"""Readers of small JSON files that return empty values instead of raising errors."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: Bytes at the end of a file, enough for the last lines of a curve.
_TAIL = 65536
#: Larger numbers are not shown; JSON allows any.
_MOST = 1e15


def mapping(value: Any) -> Mapping[str, Any]:
    """Return the value if it is a JSON object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def number(value: Any) -> float | None:
    """Return the value if it is a number that can be shown, which Booleans and NaN are not."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < _MOST else None  # NaN is not less, either


def count(value: Any) -> int:
    """Return the value if it is a number that can be shown, without its fraction, else 0."""
    return int(number(value) or 0)


def parsed(text: str) -> Mapping[str, Any]:
    """Return the object in a JSON text, or an empty one."""
    try:
        return mapping(json.loads(text))
    except (ValueError, RecursionError):
        return {}


def read(file: Path) -> Mapping[str, Any]:
    """Return the object in a JSON file, or an empty one if it cannot be read."""
    try:
        return parsed(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return {}


def last_lines(file: Path, count: int) -> list[str]:
    """Return the last non-empty lines of a file; none if it cannot be read."""
    try:
        with file.open("rb") as opened:
            opened.seek(max(0, opened.seek(0, os.SEEK_END) - _TAIL))
            text = opened.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    return [line for line in text.split("\n") if line.strip()][-count:]


def modified(path: Path) -> int:
    """Return the time of the last change in nanoseconds since 1970; 0 if the path is missing."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0

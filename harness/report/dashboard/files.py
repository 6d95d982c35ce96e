"""The files below a folder that may be served: those of reports only."""

import os
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

_TEXT = "text/plain; charset=utf-8"
#: Suffix -> media type. Other files (weights, journals, logs, scripts) are not served.
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".csv": _TEXT,
    ".md": _TEXT,
    ".json": "application/json",
}


def address(path: str) -> str:
    """Return the percent-encoded form, for `served`, of a path below the folder."""
    return quote(os.fsencode(path))


def served(root: Path, path: str) -> Path | None:
    """Return the file at the path of a URL, or None if it is missing or must not be served.

    Args:
        root: the folder, resolved.
        path: percent-encoded, below the folder, without a leading slash.
    """
    parts = os.fsdecode(unquote_to_bytes(path)).split("/")
    # Once decoded nothing may climb, hide, or be read otherwise by the file system.
    if any(not part or part.startswith(".") or "\\" in part or "\0" in part for part in parts):
        return None
    try:
        file = root.joinpath(*parts).resolve(strict=True)
    except (OSError, RuntimeError, ValueError):  # not there; links in a circle; no name at all
        return None
    inside = file.is_relative_to(root) and file.is_file()
    hidden = inside and any(part.startswith(".") for part in file.relative_to(root).parts)
    return file if inside and not hidden and file.suffix.lower() in TYPES else None

"""The rows of a file: JSON lines or one JSON array, gzipped or not, each with where it stands."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.errors import RunError


def text_of(file: Path) -> str:
    """Return the text of a file, gzipped or not.

    Raises:
        RunError: it cannot be read.
    """
    try:
        data = file.read_bytes()
        return (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise RunError(
            f"{file}: cannot be read ({error}): name a file of JSON lines in UTF-8, gzipped or not"
        ) from error


def numbered(file: Path, text: str) -> Iterator[tuple[str, str]]:
    """Yield each line of a file's text with its place; blank ones are left out."""
    # Texts may hold other line ends, which JSON does not escape.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield f"{file}, line {number}", line


def rows_of(file: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return the objects of a JSON array, or of JSON lines, with where each stands.

    Raises:
        RunError: the file cannot be read, is no such file, or holds nothing.
    """
    text = text_of(file)
    if text.lstrip().startswith("["):
        entries = _parsed(text, str(file))
        placed = [(f"{file}, entry {number}", row) for number, row in enumerate(entries)]
    else:
        placed = [(where, _parsed(line, where)) for where, line in numbered(file, text)]
    if not placed:
        raise RunError(f"{file}: nothing is in it: name a file of answers or judgements")
    for where, row in placed:
        if not isinstance(row, dict):
            raise RunError(f"{where}: no JSON object, where one of a file of judgements is wanted")
    return placed


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RunError(
            f"{where}: no JSON ({error}): name a file of JSON, or of JSON lines"
        ) from error

"""Files that are written whole or not at all, and the reading of those that may be torn."""

import contextlib
import itertools
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

#: The suffix of a file that is still being written; its name begins with a dot.
TEMPORARY = ".new"


@contextlib.contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[TextIO]:
    """Open a temporary text file that takes `path`'s place when the block ends without error.

    `durable` waits for the disk.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(TEMPORARY, f".{path.name}.", path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_bytes(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write a whole file, or leave the old one untouched; `durable` waits for the disk."""
    with replacing(path, durable=durable) as file:
        file.buffer.write(data)


def write_text(path: Path, text: str) -> None:
    """Write a whole text file, or leave the old one untouched."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file, or leave the old one untouched."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def read_json(path: Path) -> Any:
    """Return a JSON file's value, or None when it is missing or torn."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
        return None


def read_lines(path: Path, most: int | None = None) -> list[dict[str, Any]]:
    """Return the first rows, or all, of a JSONL file of ours; a torn last line is left out."""
    if not path.exists():
        return []
    rows = []
    # Texts may hold other line ends, which `canonical` does not escape: only "\n" ends a line.
    with path.open(encoding="utf-8", newline="\n") as file:
        for line in itertools.islice(file, most):
            with contextlib.suppress(json.JSONDecodeError):
                rows.append(json.loads(line))
    return rows

"""The files of the data folder; every fault names the file, the row and the remedy."""

import contextlib
import gzip
import json
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from eval_suites.errors import DataError

Rows = Iterator[tuple[int, dict[str, Any]]]

_REMEDY = (
    "name the folder of benchmark files with --data-dir or NCA_DATA_DIR, or fill one with "
    "`nca data fetch`"
)
_FETCH_AGAIN = "get the upstream file again (`nca data fetch`)"
_recorded: ContextVar[dict[str, Path] | None] = ContextVar("recorded", default=None)


@contextlib.contextmanager
def recorded_files() -> Iterator[dict[str, Path]]:
    """Collect the paths of the files that are read inside the block, by name in the data folder."""
    files: dict[str, Path] = {}
    token = _recorded.set(files)
    try:
        yield files
    finally:
        _recorded.reset(token)


def malformed(place: str, fault: str) -> DataError:
    """Return the error for a file (with the row where there is one) that is not as upstream's."""
    return DataError(f"{place}: {fault}; {_FETCH_AGAIN}")


def read_text(folder: Path | None, name: str) -> str:
    """Return the text of a file in the data folder, decompressed where its name ends in `.gz`.

    Raises:
        DataError: no folder is named, or the file is missing, cannot be read, is damaged or is not
            UTF-8.
    """
    if folder is None:
        raise DataError(f"{name} is needed, but there is no data folder: {_REMEDY}")
    path = folder / name
    if not path.is_file():
        raise DataError(f"{path} is missing: {_REMEDY}")
    if (files := _recorded.get()) is not None:
        files[name] = path
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read ({error}): {_FETCH_AGAIN}") from error


def read_rows(folder: Path | None, name: str, fields: tuple[str, ...]) -> Rows:
    """Yield the rows of a JSON-lines file with their zero-based numbers; blank lines are skipped.

    Args:
        folder: the data folder.
        name: the file's path inside it, `.gz` or not.
        fields: keys whose values must be text.

    Raises:
        DataError: as `read_text`, or a row is no JSON object or lacks one of `fields`.
    """
    lines = (line for line in read_text(folder, name).split("\n") if line.strip())
    for number, line in enumerate(lines):
        place = f"{folder}/{name}, row {number}"
        yield number, _checked(_json(line, place), place, fields)


def read_array(folder: Path | None, name: str, fields: tuple[str, ...], key: str = "") -> Rows:
    """Yield the rows of one JSON array as `read_rows` does those of JSON lines.

    The array is the file, or stands under a `key` of the object that is the file.

    Raises:
        DataError: as `read_rows`, or the file is no such array.
    """
    place = f"{folder}/{name}"
    rows = _json(read_text(folder, name), place)
    if key:
        rows = rows.get(key) if isinstance(rows, dict) else None
    if not isinstance(rows, list):
        raise malformed(place, f"no array under {key!r}" if key else "no JSON array")
    for number, row in enumerate(rows):
        yield number, _checked(row, f"{place}, row {number}", fields)


def _json(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise malformed(place, f"no JSON ({error})") from error


def _checked(row: Any, place: str, fields: Iterable[str]) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise malformed(place, "no JSON object")
    for name in fields:
        if not isinstance(row.get(name), str):
            raise malformed(place, f"{name!r} is missing or no text")
    return row

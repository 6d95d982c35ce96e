"""Rows of a data file: JSONL, JSON (a list), Parquet; the first two also with gzip."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from train.errors import DataError

KINDS = ("jsonl", "json", "parquet")
_REMEDY = "give a .jsonl, .json or .parquet file (.gz for the first two)"


def kind_of(path: Path) -> str:
    """The kind that a file's name says, without `.gz`."""
    return path.name.removesuffix(".gz").rpartition(".")[2]


def read_rows(path: Path) -> Iterator[tuple[int, Any]]:
    """Rows with their number, counted from 1 (in JSONL: the line), blank lines left out.

    Raises:
        DataError: there is no such file, its kind is unknown, or a row cannot be parsed.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such data file; {_REMEDY}")
    kind = kind_of(path)
    readers = {"jsonl": _jsonl, "json": _json, "parquet": _parquet}
    if kind not in readers:
        raise DataError(f"{path}: unknown kind of data file; {_REMEDY}")
    return readers[kind](path)


def _text(path: Path) -> str:
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return raw.decode("utf-8")
    except (gzip.BadGzipFile, EOFError) as error:
        raise DataError(f"{path}: damaged gzip file ({error}); fetch it again") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error


def _jsonl(path: Path) -> Iterator[tuple[int, Any]]:
    # Not splitlines(): JSON strings may hold the line separators that it also splits at.
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if line.strip():
            yield number, _parse(line, f"{path}, row {number}")


def _json(path: Path) -> Iterator[tuple[int, Any]]:
    rows = _parse(_text(path), str(path))
    if not isinstance(rows, list):
        raise DataError(f"{path}: a JSON data file holds a list of rows; use .jsonl for lines")
    yield from enumerate(rows, start=1)


def _parquet(path: Path) -> Iterator[tuple[int, Any]]:
    import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types
    from pyarrow import parquet

    number = 0
    try:
        for batch in parquet.ParquetFile(path).iter_batches():
            for row in batch.to_pylist():
                number += 1
                yield number, row
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: damaged Parquet file ({error}); fetch it again") from error


def _parse(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{where}: not JSON: {error.msg} at column {error.colno}; mend or remove it"
        ) from error

"""The sources that `data:` and `probe:` may name: a file, a folder, or a data set on the hub.

- `path/to/rows.jsonl`: JSONL, JSON (a list of rows) or Parquet; the first two also with gzip;
- `path/to/folder`: its data files in order of name, or what `datasets.save_to_disk` wrote;
- `hub:OWNER/NAME[/CONFIG][@REVISION][:SPLIT]`: a data set on the hub, by default its split `train`;
  what the `datasets` library read once is kept in its cache and needs no hub.
"""

import gzip
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from train.errors import DataError

_KINDS = ("jsonl", "json", "parquet")
_REMEDY = "give a .jsonl, .json or .parquet file (.gz for the first two)"
_HUB = "hub:"
_HUB_NAME = re.compile(
    r"hub:(?P<name>[\w.-]+/[\w.-]+)(/(?P<config>[^/@:]+))?"
    r"(@(?P<revision>[^@:]+))?(:(?P<split>.+))?"
)
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A row, the file or data set that holds it, and its number there, from 1 (JSONL: the line)."""

    place: str
    number: int
    row: Any

    @property
    def source(self) -> str:
        """`file:row`, without the folders before the file."""
        return f"{self.place.rpartition('/')[2]}:{self.number}"


def is_hub_name(source: str) -> bool:
    """Return whether a source is a name on the hub."""
    return source.startswith(_HUB)


def pin(source: str) -> str:
    """Return the source, or a hub name with its present commit; raise DataError if unknown."""
    if not is_hub_name(source):
        return source
    parts, builder = _find_on_hub(source)
    return _hub_name({**parts, "revision": builder.hash})


def read_rows(source: str) -> Iterator[SourceRow]:
    """Read all rows of a source in order, without blank lines; raise DataError on any fault."""
    path = Path(source)
    if is_hub_name(source):
        return _read_hub(source)
    if not path.is_dir():
        return _read_file(path)
    if _is_saved_dataset(path):
        return _read_saved_dataset(path)
    return (row for file in _data_files(path) for row in _read_file(file))


def fingerprint(source: str) -> str:
    """Return a hash of a file's bytes, or of the names and bytes of all files of a folder.

    A name on the hub is returned as it is: `pin` puts the commit into it. Raises DataError where
    there is no such file or folder.
    """
    path = Path(source)
    if is_hub_name(source):
        return source
    if path.is_file():
        return _hash_file(path)
    if not path.is_dir():
        raise DataError(f"{source}: no such data file or folder")
    files = sorted(path.rglob("*")) if _is_saved_dataset(path) else _data_files(path)
    lines = (f"{f.relative_to(path)} {_hash_file(f)}" for f in files if f.is_file())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _hash_file(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _data_files(folder: Path) -> list[Path]:
    files = sorted(file for file in folder.iterdir() if file.is_file() and _kind(file) in _KINDS)
    if not files:
        raise DataError(f"{folder}: no data file there; name a folder of {', '.join(_KINDS)} files")
    return files


def _kind(path: Path) -> str:
    return path.name.removesuffix(".gz").rpartition(".")[2]


def _read_file(path: Path) -> Iterator[SourceRow]:
    readers = {"jsonl": _read_jsonl, "json": _read_json, "parquet": _read_parquet}
    if path.is_file() and _kind(path) in readers:
        return readers[_kind(path)](path)
    fault = "unknown kind of data file" if path.is_file() else "no such data file"
    raise DataError(f"{path}: {fault}; {_REMEDY}")


def _read_jsonl(path: Path) -> Iterator[SourceRow]:
    # Not splitlines(): JSON strings may hold the line separators that it also splits at.
    for number, line in enumerate(_read_text(path).split("\n"), start=1):
        if line.strip():
            yield SourceRow(str(path), number, _parse(line, f"{path}, row {number}"))


def _read_json(path: Path) -> Iterator[SourceRow]:
    rows = _parse(_read_text(path), str(path))
    if not isinstance(rows, list):
        raise DataError(f"{path}: a JSON data file holds a list of rows; use .jsonl for lines")
    yield from _number_rows(str(path), rows)


def _read_parquet(path: Path) -> Iterator[SourceRow]:
    import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types
    from pyarrow import parquet

    try:
        batches = parquet.ParquetFile(path).iter_batches()
        yield from _number_rows(str(path), (row for batch in batches for row in batch.to_pylist()))
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: damaged Parquet file ({error}); fetch it again") from error


def _read_text(path: Path) -> str:
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return raw.decode("utf-8")
    except (gzip.BadGzipFile, EOFError) as error:
        raise DataError(f"{path}: damaged gzip file ({error}); fetch it again") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error


def _parse(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{where}: not JSON: {error.msg} at column {error.colno}; correct or remove it"
        ) from error


def _is_saved_dataset(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("dataset_dict.json", "state.json"))


def _read_saved_dataset(folder: Path) -> Iterator[SourceRow]:
    from datasets import DatasetDict, load_from_disk

    with _raise_data_error(str(folder)):
        data = load_from_disk(str(folder))
    if isinstance(data, DatasetDict):
        raise DataError(
            f"{folder}: holds the splits {', '.join(data)}; name the folder of one: "
            f"{folder / next(iter(data))}"
        )
    return _number_rows(str(folder), data)


def _number_rows(place: str, rows: Any) -> Iterator[SourceRow]:
    return (SourceRow(place, number, row) for number, row in enumerate(rows, start=1))


def _read_hub(source: str) -> Iterator[SourceRow]:
    parts, builder = _find_on_hub(source)
    with _raise_data_error(source):
        builder.download_and_prepare()
        data = builder.as_dataset(split=parts["split"] or "train")
    return _number_rows(_hub_name({**parts, "revision": None}), data)


def _hub_name(parts: Mapping[str, str | None]) -> str:
    marks = (("", "name"), ("/", "config"), ("@", "revision"), (":", "split"))
    return _HUB + "".join(f"{mark}{parts[key]}" for mark, key in marks if parts[key])


def _find_on_hub(source: str) -> tuple[dict[str, Any], Any]:
    """Return a name's parts, and the library's builder of the data set at the requested commit."""
    if (match := _HUB_NAME.fullmatch(source)) is None:
        raise DataError(f"{source}: write hub:OWNER/NAME, then /CONFIG, @REVISION, :SPLIT at need")
    import datasets
    import huggingface_hub.utils.logging as hub_logging

    # No progress bars and lists of retries: a failure is reported once, by the error.
    datasets.disable_progress_bars()
    datasets.utils.logging.set_verbosity_error()
    hub_logging.set_verbosity(hub_logging.CRITICAL)
    parts = match.groupdict()
    with _raise_data_error(source):
        # The prefix keeps a folder of the same name in the current one from being taken.
        path, revision = f"hf://datasets/{parts['name']}", parts["revision"]
        builder = datasets.load_dataset_builder(path, parts["config"], revision=revision)
    # Without the hub the library takes the newest copy that it has, whatever was requested.
    if _COMMIT.fullmatch(revision or "") and builder.hash != revision:
        raise DataError(
            f"{source}: the copy here is of commit {builder.hash}, and the hub cannot be reached; "
            "connect, or name that commit"
        )
    return parts, builder


@contextmanager
def _raise_data_error(source: str) -> Iterator[None]:
    """Raise any failure of the datasets library within as a DataError of one line."""
    try:
        yield
    except Exception as error:  # the library and its transports raise a dozen kinds
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"{source}: cannot be loaded ({first}); check the name and the connection, or download "
            "it elsewhere and name its folder or file"
        ) from error

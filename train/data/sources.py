"""What `data:` and `probe:` name: a file, a folder, or a data set on the hub.

- `path/to/rows.jsonl`: a file (`train.data.files` has the kinds);
- `path/to/folder`: its data files in order of name, or what `datasets.save_to_disk` wrote;
- `hub:OWNER/NAME[/CONFIG][@REVISION][:SPLIT]`: a data set on the hub (`train.data.hub`).
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from train.data import hub
from train.data.files import KINDS, kind_of, read_rows
from train.errors import DataError


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A row and where it stands: the file or data set, and its number there, from 1."""

    place: str
    number: int
    row: Any

    @property
    def source(self) -> str:
        """`file:row`, without the folders before the file."""
        return f"{self.place.rpartition('/')[2]}:{self.number}"


def rows_of(source: str) -> Iterator[SourceRow]:
    """All rows of a source, in order.

    Raises:
        DataError: there is nothing of this name, it cannot be read, or a row cannot be parsed.
    """
    if hub.is_name(source):
        named = hub.parse(source)
        return _numbered(str(replace(named, revision=None)), hub.load(named))
    path = Path(source)
    if not path.is_dir():
        return _file_rows(path)
    if _saved(path):
        return _saved_rows(path)
    return (row for file in data_files(path) for row in _file_rows(file))


def data_files(folder: Path) -> tuple[Path, ...]:
    """The data files directly in a folder, sorted by name.

    Raises:
        DataError: there is none.
    """
    files = sorted(file for file in folder.iterdir() if file.is_file() and kind_of(file) in KINDS)
    if not files:
        raise DataError(f"{folder}: no data file there; name a folder of {', '.join(KINDS)} files")
    return tuple(files)


def pinned(source: str) -> str:
    """The source itself; a name on the hub with the commit that it stands for now.

    Raises:
        DataError: the hub has no such data set, or cannot be reached and nothing is cached.
    """
    return str(hub.pinned(hub.parse(source))) if hub.is_name(source) else source


def identity(source: str) -> str:
    """What changes when the data does: a hash of a file's bytes or of all files of a folder.

    A name on the hub is its own identity: `pinned` puts the commit into it.

    Raises:
        DataError: there is no such file or folder.
    """
    path = Path(source)
    if hub.is_name(source):
        return source
    if path.is_file():
        return _digest(path)
    if not path.is_dir():
        raise DataError(f"{source}: no such data file or folder")
    files = sorted(path.rglob("*")) if _saved(path) else data_files(path)
    lines = (f"{f.relative_to(path)} {_digest(f)}" for f in files if f.is_file())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _file_rows(path: Path) -> Iterator[SourceRow]:
    return (SourceRow(str(path), number, row) for number, row in read_rows(path))


def _saved(folder: Path) -> bool:
    """Whether `datasets.save_to_disk` wrote the folder."""
    return any((folder / name).is_file() for name in ("dataset_dict.json", "state.json"))


def _saved_rows(folder: Path) -> Iterator[SourceRow]:
    from datasets import DatasetDict, load_from_disk

    with hub.explained(str(folder)):
        data = load_from_disk(str(folder))
    if isinstance(data, DatasetDict):
        raise DataError(
            f"{folder}: holds the splits {', '.join(data)}; name the folder of one: "
            f"{folder / next(iter(data))}"
        )
    return _numbered(str(folder), data)


def _numbered(place: str, rows: Any) -> Iterator[SourceRow]:
    return (SourceRow(place, number, row) for number, row in enumerate(rows, start=1))

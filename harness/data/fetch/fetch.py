"""Fill the data folder from upstream: each file checked, and there whole or not at all.

What is there with the right sum is left alone. What comes is gathered in `<path>.part`, so that a
run that was ended goes on where it was.
"""

import errno
import gzip
import hashlib
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.data.fetch.download import Patience, Refused, download
from harness.data.fetch.manifest import Entry
from harness.errors import UserError
from harness.storage.atomic_files import write_bytes
from harness.storage.locks import locked

BASE_URL = "https://raw.githubusercontent.com"
#: In the data folder; one process at a time brings files into it.
LOCK = ".fetch.lock"
_UNWRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.EEXIST, errno.ENOTDIR}

State = Literal["there", "fetched", "replaced", "failed"]


@dataclass(frozen=True, slots=True)
class Done:
    """The outcome for one file: its size in bytes in the folder, and the seconds it took."""

    entry: Entry
    state: State
    size: int = 0
    seconds: float = 0.0
    error: str = ""


def fetch(
    entries: Sequence[Entry],
    folder: Path,
    base_url: str = BASE_URL,
    patience: Patience | None = None,
) -> Iterator[Done]:
    """Bring files into the data folder, and yield the outcome of each when it is done.

    The folder is made where it is not there. A file that the server refuses or that has a wrong sum
    is passed over; a server that cannot be reached ends all.

    Raises:
        Unreachable: the server does not answer; what was fetched is kept.
        UserError: the folder cannot be written, or another process fills it.
    """
    for entry in entries:
        began, target = time.monotonic(), folder / entry.path
        try:
            folder.mkdir(parents=True, exist_ok=True)
            state = _bring(entry, target, folder, base_url, patience or Patience())
        except Refused as error:
            yield Done(entry, "failed", seconds=time.monotonic() - began, error=str(error))
        except OSError as error:
            if error.errno not in _UNWRITABLE:
                raise
            raise UserError(
                f"{error.filename or folder} cannot be written ({error.strerror}): name another "
                "folder with --data-dir"
            ) from error
        else:
            yield Done(entry, state, target.stat().st_size, time.monotonic() - began)


def _bring(entry: Entry, target: Path, folder: Path, base_url: str, patience: Patience) -> State:
    part = target.with_name(f"{target.name}.part")
    if is_right(entry, target):
        part.unlink(missing_ok=True)  # of a run that was killed when all was done
        return "there"
    target.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder, LOCK, "data folder"):
        before = target.exists()
        content = _gathered(entry, part, entry.url(base_url), patience)
        write_bytes(target, gzip.compress(content, mtime=0) if entry.packed else content)
        part.unlink()
    return "replaced" if before else "fetched"


def is_right(entry: Entry, path: Path) -> bool:
    """Tell if a file of the data folder has the checksum that the manifest states."""
    if not path.is_file():
        return False
    raw = path.read_bytes()
    try:
        return _sum(gzip.decompress(raw) if entry.packed else raw) == entry.sha256
    except (OSError, EOFError, zlib.error):  # no gzip, cut off, or damaged
        return False


def _gathered(entry: Entry, part: Path, url: str, patience: Patience) -> bytes:
    """Return the bytes to keep of upstream's file, its checksum verified.

    A part of another file (of an older manifest, say) shows in the sum only when it is whole:
    then once more from the beginning.
    """
    for begun in (True, False):
        if begun and not part.exists():
            continue
        if not (begun and _content(entry, part)[1] == entry.sha256):
            download(url, part, patience)
        content, sha256 = _content(entry, part)
        if sha256 == entry.sha256:
            return content
        part.unlink()
    raise Refused(
        f"{entry.path}: sha256 of {url} is {sha256}, expected {entry.sha256}: what was sent is not "
        "upstream's file; try again, or name another mirror with --base-url"
    )


def _content(entry: Entry, part: Path) -> tuple[bytes, str]:
    """Return the bytes to keep of a downloaded file, and their checksum as in the manifest."""
    content = part.read_bytes()
    try:
        content = entry.extract.as_json(content) if entry.extract else content
    except ValueError as error:
        return b"", f"unknown ({error})"
    return content, _sum(content)


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

"""Files that are complete or do not exist, and the error of a full disk."""

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

# Torch, safetensors and SQLite hide a full disk behind errors of their own.
_HIDING = (RuntimeError, SafetensorError, sqlite3.OperationalError)
# A writer gives up on a block that does not fit, so a little may be left.
_FULL = 4 * 2**20


def write_text(path: Path, text: str) -> None:
    """Write a text under a temporary name and rename it; the folder is made when missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    new.write_text(text, encoding="utf-8")
    new.replace(path)


@contextmanager
def raise_on_full_disk(*folders: Path) -> Iterator[None]:
    """Raise `OSError(ENOSPC)`, naming the folder, for a writer's error where its disk is full."""
    try:
        yield
    except _HIDING as error:
        for folder in folders:
            if folder.is_dir() and shutil.disk_usage(folder).free < _FULL:
                full = os.strerror(errno.ENOSPC)
                raise OSError(errno.ENOSPC, full, str(folder)) from error
        raise

"""The error of a full disk, which torch, safetensors and SQLite hide behind errors of their own."""

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

_HIDING = (RuntimeError, SafetensorError, sqlite3.OperationalError)
# A writer gives up on a block that does not fit, so a little may be left.
_FULL = 4 * 2**20


@contextmanager
def raise_on_full_disk(*folders: Path) -> Iterator[None]:
    """Raise `OSError(ENOSPC)` in place of a writer's error where one of the folders' disks is full.

    Its `filename` is the folder.
    """
    try:
        yield
    except _HIDING as error:
        for folder in folders:
            if folder.is_dir() and shutil.disk_usage(folder).free < _FULL:
                full = os.strerror(errno.ENOSPC)
                raise OSError(errno.ENOSPC, full, str(folder)) from error
        raise

"""Locks of files and folders: one process works in a folder at a time."""

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from harness.errors import StageBusy

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@contextlib.contextmanager
def locked(folder: Path, name: str = "stage.lock", work: str = "stage") -> Iterator[None]:
    """Hold the lock of a folder's stage (or other work); the kernel frees it however we end.

    Raises:
        StageBusy: naming the process that holds it.
    """
    with (folder / name).open("a+", encoding="utf-8") as file:
        try:
            _take(file)
        except BlockingIOError:
            file.seek(0)
            holder: Any = None
            with contextlib.suppress(json.JSONDecodeError):
                holder = json.loads(file.read())
            holder = holder if isinstance(holder, dict) else {}
            raise StageBusy(
                f"{folder}: process {holder.get('pid')} on {holder.get('host')} works on this "
                f"{work}; wait for it, or end it"
            ) from None
        file.truncate(0)
        boot = ""
        with contextlib.suppress(OSError):
            boot = _BOOT.read_text(encoding="utf-8").strip()
        file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "boot": boot}))
        file.flush()
        yield


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Wait for a lock file and hold it; the kernel frees it however the process ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _take(file: IO[str], again: int = 4) -> None:
    """Lock a file. Who only looks whether it is locked (the dashboard) holds it for an instant."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if not again:
            raise
        time.sleep(0.02)
        _take(file, again - 1)

"""Files of checkpoints and runs: fingerprints, writes that are whole or not at all, full disks."""

import errno
import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from safetensors import SafetensorError

from train.errors import TrainError

# Torch, safetensors and SQLite hide a full disk behind errors of their own.
_HIDING = (RuntimeError, SafetensorError, sqlite3.OperationalError)
# A writer gives up on a block that does not fit, so a little may be left.
_FULL = 4 * 2**20
_KINDS = {".json", ".jinja", ".safetensors", ".bin", ".model", ".txt", ".tiktoken"}
_NOT_IDENTITY = {"training_args.bin", "trainer_state.json", "optimizer.bin", "scheduler.bin"}
_ADAPTER = "adapter_config.json"


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


def fingerprint(folder: Path, memo: Path | None = None) -> str:
    """Hash everything in a checkpoint folder that changes the model's answers (SHA-256, hex).

    The place of an adapter's base is left out: the same adapter after a move is the same adapter.

    `memo` is a JSON file of hashes already taken, by path, size and modification time; a weights
    file of many gigabytes is then read once. Raises TrainError where there is no checkpoint.
    """
    files = sorted(
        file
        for file in folder.glob("*")
        if file.is_file() and file.suffix in _KINDS and file.name not in _NOT_IDENTITY
    )
    if not {"config.json", _ADAPTER} & {file.name for file in files}:
        raise TrainError(
            f"{folder}: no checkpoint: neither config.json nor {_ADAPTER} is there; "
            "name a folder that save_pretrained wrote"
        )
    hashes = dict[str, str]()
    with suppress(OSError, ValueError):  # a memo that cannot be read costs only time
        hashes |= json.loads(memo.read_text(encoding="utf-8")) if memo else {}
    remembered = len(hashes)
    lines = [f"{file.name} {_digest(file, hashes)}" for file in files]
    if memo is not None and len(hashes) > remembered:
        write_text(memo, json.dumps(hashes, indent=0, sort_keys=True))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def fingerprint_on(base: Path, adapter: Path | None, memo: Path | None = None) -> str:
    """Return the fingerprint of a base, or of an adapter on it: then both hashes."""
    of_base = fingerprint(base, memo)
    return of_base if adapter is None else f"{fingerprint(adapter, memo)} on {of_base}"


def _digest(file: Path, hashes: dict[str, str]) -> str:
    if file.name == _ADAPTER:
        settings = json.loads(file.read_text(encoding="utf-8"))
        settings.pop("base_model_name_or_path", None)
        # peft writes sets as lists, in any order.
        sets = {k: sorted(v, key=str) if isinstance(v, list) else v for k, v in settings.items()}
        return hashlib.sha256(json.dumps(sets, sort_keys=True).encode()).hexdigest()
    status = file.stat()
    key = f"{file.resolve()}|{status.st_size}|{status.st_mtime_ns}"
    if key not in hashes:
        with file.open("rb") as stream:
            hashes[key] = hashlib.file_digest(stream, "sha256").hexdigest()
    return hashes[key]

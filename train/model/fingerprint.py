"""What identifies a checkpoint: one hash over its configuration, tokenizer and weights."""

import hashlib
import json
import os
from pathlib import Path

from train.errors import TrainError

_KINDS = {".json", ".jinja", ".safetensors", ".bin", ".model", ".txt", ".tiktoken"}
_NOT_IDENTITY = {"training_args.bin", "trainer_state.json", "optimizer.bin", "scheduler.bin"}
_ADAPTER = "adapter_config.json"


def fingerprint(folder: Path, memo: Path | None = None) -> str:
    """A hash of everything in a checkpoint folder that changes what the model says.

    Where an adapter's base lies is left out: the same adapter after a move is the same adapter.
    Whoever needs the base too takes its fingerprint beside this one.

    Args:
        folder: a full checkpoint or an adapter.
        memo: a JSON file of hashes already taken, by path, size and modification time; a weights
            file of many gigabytes is then read once.

    Returns:
        64 hexadecimal digits (SHA-256).

    Raises:
        TrainError: the folder holds no checkpoint.
    """
    files = sorted(file for file in folder.glob("*") if _counts(file))
    if not {"config.json", _ADAPTER} & {file.name for file in files}:
        raise TrainError(
            f"{folder}: no checkpoint: neither config.json nor {_ADAPTER} is there; "
            "name a folder that save_pretrained wrote"
        )
    known = _read(memo)
    lines = [f"{file.name} {_digest(file, known)}" for file in files]
    if memo is not None and known != _read(memo):
        _write(memo, known)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def fingerprint_on(base: Path, adapter: Path | None, memo: Path | None = None) -> str:
    """What identifies a base, or an adapter on it: then both hashes, for both make the numbers.

    Raises:
        TrainError: one of the folders holds no checkpoint.
    """
    under = fingerprint(base, memo)
    return under if adapter is None else f"{fingerprint(adapter, memo)} on {under}"


def _counts(file: Path) -> bool:
    return file.is_file() and file.suffix in _KINDS and file.name not in _NOT_IDENTITY


def _digest(file: Path, known: dict[str, str]) -> str:
    if file.name == _ADAPTER:
        return hashlib.sha256(_adapter_settings(file).encode()).hexdigest()
    status = file.stat()
    key = f"{file.resolve()}|{status.st_size}|{status.st_mtime_ns}"
    if key not in known:
        with file.open("rb") as stream:
            known[key] = hashlib.file_digest(stream, "sha256").hexdigest()
    return known[key]


def _adapter_settings(file: Path) -> str:
    """An adapter's settings without its base's place, lists sorted: peft writes sets as lists."""
    settings = json.loads(file.read_text(encoding="utf-8"))
    settings.pop("base_model_name_or_path", None)
    ordered = {k: sorted(v, key=str) if isinstance(v, list) else v for k, v in settings.items()}
    return json.dumps(ordered, sort_keys=True)


def _read(memo: Path | None) -> dict[str, str]:
    """The memo's hashes; a memo that cannot be read costs only time."""
    if memo is None or not memo.is_file():
        return {}
    try:
        return dict(json.loads(memo.read_text(encoding="utf-8")))
    except ValueError:
        return {}


def _write(memo: Path, known: dict[str, str]) -> None:
    memo.parent.mkdir(parents=True, exist_ok=True)
    new = memo.with_name(f"{memo.name}.{os.getpid()}.tmp")
    new.write_text(json.dumps(known, indent=0, sort_keys=True), encoding="utf-8")
    new.replace(memo)

"""Hashes of values and files, as keys and fingerprints have them."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def canonical(value: Any) -> str:
    """Return JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def digest(value: Any, length: int = 64) -> str:
    """Return the first `length` hexadecimal digits of the SHA-256 of a JSON-able value."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:length]


def digest_of_list(values: Iterable[Any], length: int = 64) -> str:
    """Return the `digest` of a list that is made as it is read."""
    sha256 = hashlib.sha256(b"[")
    for number, value in enumerate(values):
        sha256.update((("," if number else "") + canonical(value)).encode())
    sha256.update(b"]")
    return sha256.hexdigest()[:length]


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

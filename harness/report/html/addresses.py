"""Files of a report: a page each for suites and checkpoints, whatever they are called."""

import re
from collections.abc import Iterable

from harness.storage.hashing import digest

INDEX = "index.html"
KINDS = ("suite", "checkpoint")
_SAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST = 80


def addresses(kind: str, names: Iterable[str]) -> dict[str, str]:
    """Name -> file name, `<kind>-<name>.html`.

    What file systems or URLs dislike becomes a hyphen. A name that is then another's (also on a
    disk that does not tell capitals apart) or is long gets a hash.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        stem = _SAFE.sub("-", name)
        if stem.lower() in taken or len(stem) > _LONGEST:
            stem = f"{stem[:_LONGEST]}-{digest(name, 8)}"
        taken.add(stem.lower())
        found[name] = f"{kind}-{stem}.html"
    return found

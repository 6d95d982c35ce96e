"""Care of a journal: what is in it, what may go, and what another one adds.

`harness/storage/journal/check.py` looks for damage and mends it.
"""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from harness.errors import RunError, UserError
from harness.storage.journal.file import (
    FILE,
    Entry,
    connect,
    existing,
    explaining,
    readable,
    reader,
    transaction,
)

_BATCH = 1000
_PARTS = """
SELECT kind, origin, count(*), sum(length(body)), count(times), coalesce(sum(times), 0)
FROM entries LEFT JOIN hits USING (key)
"""
_CHOSEN = """
WHERE (?1 IS NULL OR kind = ?1) AND (?2 IS NULL OR instr(origin, ?2) > 0)
AND (NOT ?3 OR key NOT IN (SELECT key FROM hits))
"""
_FREE = ("freelist_count", "page_size")
_GROUPED = "GROUP BY kind, origin ORDER BY kind, origin"


@dataclass(frozen=True, slots=True)
class Part:
    """Entries of one kind and origin.

    Attributes:
        origin: who gave them; empty where schema 1 stored them.
        bytes: of their bodies, compressed.
        reused: how many of them were found again at least once.
        times: how often in all.
    """

    kind: str
    origin: str
    entries: int
    bytes: int
    reused: int
    times: int


@dataclass(frozen=True, slots=True)
class Survey:
    """The contents of a journal; `bytes` on disk, `free` of them unused (a prune frees them)."""

    path: Path
    bytes: int
    free: int
    parts: tuple[Part, ...]
    quarantined: int


@dataclass(frozen=True, slots=True)
class Choice:
    """The entries to remove: those for which all that is set holds, and damaged ones.

    Attributes:
        origin: a part of their origin.
        unused: never found again since they were stored.
        quarantine: what was set aside as damaged, besides.
    """

    kind: str | None = None
    origin: str | None = None
    unused: bool = False
    quarantine: bool = False

    @property
    def entries(self) -> bool:
        """True where any entries are to be removed."""
        return self.kind is not None or self.origin is not None or self.unused


@dataclass(frozen=True, slots=True)
class Pruned:
    """The entries removed, or to be removed; `why_large`: why the file did not shrink."""

    parts: tuple[Part, ...]
    quarantined: int
    bytes_before: int
    bytes_after: int
    why_large: str = ""


@dataclass(frozen=True, slots=True)
class Merged:
    """The entries that one other journal added; `unreadable` times some were passed over."""

    source: Path
    new: int
    present: int
    damaged: int
    unreadable: int


@dataclass(slots=True)
class Sieve:
    """Lets intact entries through; `unreadable` counts the damaged pages passed over."""

    intact: int = 0
    damaged: list[Entry] = field(default_factory=list)
    unreadable: int = 0

    def sift(self, entries: Iterable[Entry | None]) -> Iterator[Entry]:
        """Yield the intact ones of the entries, as `readable` yields them."""
        for entry in entries:
            if entry is None:
                self.unreadable += 1
            elif entry.intact:
                self.intact += 1
                yield entry
            else:
                self.damaged.append(entry)


def survey(path: Path) -> Survey:
    """Count what a journal holds.

    Raises:
        RunError: there is none, or it cannot be read.
    """
    existing(path)
    with explaining(path), contextlib.closing(connect(path)) as db:
        parts = tuple(Part(*row) for row in db.execute(_PARTS + _GROUPED))
        pages, size = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in _FREE)
        return Survey(path, _size(path), pages * size, parts, _quarantined(db))


def prune(path: Path, choice: Choice, *, dry_run: bool = False) -> Pruned:
    """Remove what was chosen and give its room back to the disk.

    Raises:
        UserError: nothing was chosen, or a kind that the journal does not have.
        RunError: there is no journal, or it cannot be read.
    """
    if not (choice.entries or choice.quarantine):
        raise UserError("say what may go: --damaged, --unused, --origin TEXT or --kind KIND")
    existing(path)
    with explaining(path), contextlib.closing(connect(path)) as db:
        kinds = [kind for (kind,) in db.execute("SELECT DISTINCT kind FROM entries ORDER BY kind")]
        if choice.kind is not None and choice.kind not in kinds:
            has = ", ".join(kinds) or "no entries"
            raise UserError(f"--kind {choice.kind}: {path} has no such entries; it has {has}")
        conditions = (choice.kind, choice.origin, choice.unused)
        rows = db.execute(_PARTS + _CHOSEN + _GROUPED, conditions) if choice.entries else ()
        parts = tuple(Part(*row) for row in rows)
        aside = _quarantined(db) if choice.quarantine else 0
        before = _size(path)
        if dry_run:
            return Pruned(parts, aside, before, before)
        with transaction(db):
            if choice.entries:
                db.execute("DELETE FROM entries " + _CHOSEN, conditions)  # noqa: S608 - two constants
                db.execute("DELETE FROM hits WHERE key NOT IN (SELECT key FROM entries)")
            if choice.quarantine:
                db.execute("DELETE FROM quarantine")
        why_large = _shrink(db)
        return Pruned(parts, aside, before, _size(path), why_large)


def merge(path: Path, others: Iterable[Path]) -> Iterator[Merged]:
    """Add other journals' entries, each checked; an entry that is there already stays.

    Args:
        path: the journal to add to; made where there is none.
        others: journals, or folders of runs that hold one; they are only read.

    Raises:
        RunError: one is missing, is no journal or the same one; nothing was added from it.
        RunFailed: the disk is full; what was added stays.
    """
    for other in others:
        source = other / FILE if other.is_dir() else other
        existing(source)
        if path.exists() and source.samefile(path):
            raise RunError(f"{source}: the very journal that others are merged into; name another")
        sieve = Sieve()
        with (
            explaining(path),
            contextlib.closing(connect(path)) as db,
            explaining(source),
            contextlib.closing(reader(source)) as other_db,
        ):
            new = add(db, sieve.sift(readable(other_db, source)))
        yield Merged(source, new, sieve.intact - new, len(sieve.damaged), sieve.unreadable)


def add(db: sqlite3.Connection, entries: Iterable[Entry]) -> int:
    """Store entries that are not there yet, many in a transaction; how many were new."""
    left, before = iter(entries), db.total_changes
    while batch := list(islice(left, _BATCH)):
        with transaction(db):
            db.executemany(
                "INSERT OR IGNORE INTO entries(key, kind, body, sum, origin) VALUES(?,?,?,?,?)",
                batch,
            )
    return db.total_changes - before


def _shrink(db: sqlite3.Connection) -> str:
    """Rewrite the file without its unused pages; why not, where that fails (nothing is lost)."""
    try:
        db.execute("VACUUM")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError as error:
        return str(error)
    return ""


def _quarantined(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM quarantine").fetchone()[0])


def _size(path: Path) -> int:
    """Bytes on disk, with the write-ahead log."""
    files = (path, path.with_name(f"{path.name}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())

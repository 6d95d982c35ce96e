"""Is a journal whole? Every checksum, SQLite's own check of its pages, and what to do about it."""

import contextlib
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from harness.storage.journal.care import Sieve, add
from harness.storage.journal.file import (
    Entry,
    connect,
    existing,
    explaining,
    is_damage,
    lenient,
    readable,
    reader,
    transaction,
    upgrade,
)


@dataclass(frozen=True, slots=True)
class Health:
    """The outcome of a check.

    Attributes:
        intact: entries that pass their checksum.
        damaged: entries that do not; never used, asked again.
        unreadable: how often entries had to be passed over because their page is damaged.
        pages: what SQLite says of its pages, one complaint a line; empty where they are in order.
        quarantined: entries that were set aside before.
        repaired: whether damage was found and mended.
    """

    intact: int
    damaged: int
    unreadable: int
    pages: tuple[str, ...]
    quarantined: int
    repaired: bool = False

    @property
    def sound(self) -> bool:
        """True if no damage is left."""
        return self.repaired or not (self.damaged or self.unreadable or self.pages)


def check(path: Path, *, repair: bool = False) -> Health:
    """Check every entry and every page.

    Without `repair` the journal is only read. With it, damaged entries are set aside; where pages
    are damaged, the file is written anew with all that can be read, and entries that another
    process adds meanwhile may be lost.

    Raises:
        RunError: there is no journal, or nothing of it can be read.
        RunFailed: the disk is full; the journal is as it was.
    """
    existing(path)
    sieve = Sieve()
    with explaining(path):
        with contextlib.closing(reader(path)) as db:
            intact = sum(1 for _ in sieve.sift(readable(db, path)))
            aside, pages = len(_quarantine(db)), _complaints(db)
        health = Health(intact, len(sieve.damaged), sieve.unreadable, pages, aside)
        if health.sound or not repair:
            return health
        if health.pages or health.unreadable:
            _write_anew(path)
        else:
            _set_aside(path, sieve.damaged)
    return replace(health, repaired=True)


def _complaints(db: sqlite3.Connection) -> tuple[str, ...]:
    try:
        complaints = tuple(str(line) for (line,) in db.execute("PRAGMA integrity_check"))
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        return (str(error),)
    return () if complaints == ("ok",) else complaints


def _quarantine(db: sqlite3.Connection) -> list[tuple[object, ...]]:
    """Return the entries set aside, as far as they can be read."""
    rows: list[tuple[object, ...]] = []
    with contextlib.suppress(sqlite3.DatabaseError):
        rows.extend(db.execute("SELECT key, kind, body, sum FROM quarantine"))
    return rows


def _set_aside(path: Path, damaged: Iterable[Entry]) -> None:
    with contextlib.closing(connect(path)) as db, transaction(db):
        for entry in damaged:
            db.execute("INSERT INTO quarantine VALUES(?,?,?,?)", entry[:4])
            db.execute(
                "DELETE FROM entries WHERE key=? AND CAST(body AS BLOB) IS ?",
                (entry.key, entry.body),
            )


def _write_anew(path: Path) -> None:
    """Put all that can be read in the file's place, through SQLite, so that its locks hold."""
    with contextlib.closing(sqlite3.connect("", isolation_level=None)) as new:  # a temporary file
        upgrade(new, path)
        with contextlib.closing(reader(path)) as old:
            sieve = Sieve()
            add(new, sieve.sift(readable(old, path)))
            for row in (*(entry[:4] for entry in sieve.damaged), *_quarantine(old)):
                new.execute("INSERT INTO quarantine VALUES(?,?,?,?)", row)
            with contextlib.suppress(sqlite3.DatabaseError):  # statistics
                rows = old.execute("SELECT key, times FROM hits").fetchall()
                new.executemany("INSERT INTO hits VALUES(?,?)", rows)
        with contextlib.closing(lenient(path.resolve().as_uri())) as target:
            new.backup(target)

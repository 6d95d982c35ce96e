"""The journal's file: opened, brought to this program's schema, its errors in the user's words.

Table `entries` is an ordinary one with an index on its key, not clustered by key: a body is mostly
larger than the quarter of a page that a clustered row may hold, and would take a page of its own.
"""

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from harness.errors import HarnessError, RunError, RunFailed, UserError, disk_full

_COLUMNS = "key TEXT PRIMARY KEY, kind TEXT NOT NULL, body BLOB NOT NULL, sum TEXT NOT NULL"
#: From schema n to n + 1. A new file goes through all of them, so none is ever untried.
_STEPS = (
    (
        f"CREATE TABLE entries({_COLUMNS}) WITHOUT ROWID",
        "CREATE TABLE quarantine(key TEXT, kind TEXT, body BLOB, sum TEXT)",
    ),
    (
        "ALTER TABLE entries RENAME TO entries_1",
        f"CREATE TABLE entries({_COLUMNS}, origin TEXT NOT NULL DEFAULT '')",
        "INSERT INTO entries(key, kind, body, sum) SELECT key, kind, body, sum FROM entries_1",
        "DROP TABLE entries_1",
        "CREATE TABLE hits(key TEXT PRIMARY KEY, times INTEGER NOT NULL) WITHOUT ROWID",
    ),
)
SCHEMA = len(_STEPS)
FILE = "journal.sqlite"
_FROM_ROW = """
SELECT rowid, key, kind, CAST(body AS BLOB), sum, origin FROM entries NOT INDEXED
WHERE rowid >= ? ORDER BY rowid
"""
#: Of schema 1, whose table has no row numbers: up to the first damaged page.
_FROM_ROW_1 = "SELECT ?, key, kind, CAST(body AS BLOB), sum, '' FROM entries"
# Steps over rows that cannot be read, after which the rest is given up; they reach far.
_GIVE_UP = 600
# SQLite gives up on a block that does not fit, so a little may be left.
_FULL = 4 * 2**20


def connect(path: Path) -> sqlite3.Connection:
    """Open a journal for reading and writing; make it, or bring it to this schema, where needed.

    Raises:
        RunError: the file is no journal, or a newer program wrote it; it is left as it is.
        UserError, RunFailed: it cannot be opened, or the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with explaining(path):
        db = sqlite3.connect(path, timeout=60, isolation_level=None)
        try:
            if version_of(db, path) < SCHEMA:
                upgrade(db, path)
            # A killed process loses nothing that was committed; only a power cut may lose the
            # last entries, which are then asked again.
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")
        except BaseException:
            db.close()
            raise
    return db


def version_of(db: sqlite3.Connection, path: Path) -> int:
    """Return the schema of an open file, 0 for an empty one.

    Raises:
        RunError: the file is another program's, or a newer one's.
    """
    # In this order: a journal that another process makes meanwhile is no other program's.
    tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version == 0 and tables:
        raise RunError(f"{path}: a database, but no journal; move it away, or use another --runs")
    if not 0 <= version <= SCHEMA:
        raise RunError(
            f"{path}: journal of schema {version}, this program writes {SCHEMA}; "
            "use another --runs folder or move the file away"
        )
    return version


def upgrade(db: sqlite3.Connection, path: Path) -> None:
    """Bring a file to this schema, all or nothing; of several processes, one does it.

    Raises:
        RunError: as `version_of`.
    """
    with transaction(db):
        for step in _STEPS[version_of(db, path) :]:
            for statement in step:
                db.execute(statement)
        db.execute(f"PRAGMA user_version={SCHEMA}")


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of what is written within, or nothing; other processes wait."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # SQLite itself rolls back on a full disk
            db.execute("ROLLBACK")
        raise


def checksum(key: str, body: bytes) -> str:
    """Return the checksum stored beside a body: BLAKE2b of key and body, 32 hex digits."""
    return hashlib.blake2b(key.encode() + body, digest_size=16).hexdigest()


@contextmanager
def explaining(path: Path) -> Iterator[None]:
    """Turn errors of SQLite in this block into errors that name the journal and the remedy.

    Raises:
        UserError: it is damaged or may not be written.
        RunFailed: the disk is full, or another process keeps it locked.
    """
    try:
        yield
    except sqlite3.ProgrammingError:
        raise  # a fault of ours
    except sqlite3.DatabaseError as error:
        raise _explained(path, error) from error


def _explained(path: Path, error: sqlite3.DatabaseError) -> HarnessError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest is a detail
    room = shutil.disk_usage(path.parent).free
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and room < _FULL):
        return disk_full(str(path))
    if code == sqlite3.SQLITE_BUSY:
        return RunFailed(
            f"{path}: another process has kept the journal locked for a minute; "
            "wait for it, or end it, and run the same command again"
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return UserError(
            f"{path}: the journal cannot be opened for writing ({error}): "
            "mend the permissions of file and folder, or use another --runs"
        )
    if code == sqlite3.SQLITE_IOERR:
        return RunFailed(f"{path}: {error}: the disk fails; what it still gives is kept")
    if code == sqlite3.SQLITE_NOTADB:
        return RunError(
            f"{path}: not a journal ({error}); move it away and run again: answers will be "
            "asked anew"
        )
    return RunError(
        f"{path}: not a readable journal ({error}); `nca journal verify --repair` keeps what can "
        "still be read, or move the file away: answers will be asked anew"
    )


class Entry(NamedTuple):
    """A row of `entries`, as far as damage left it; a body is None where it is no bytes."""

    key: str
    kind: str
    body: bytes | None
    sum: str
    origin: str

    @property
    def intact(self) -> bool:
        """True if key and body are those that the checksum was made of."""
        return self.body is not None and checksum(self.key, self.body) == self.sum


def existing(path: Path) -> None:
    """Raise RunError where there is no journal."""
    if not path.is_file():
        raise RunError(f"{path}: no journal there; --runs names the folder that holds one")


def reader(path: Path) -> sqlite3.Connection:
    """Open a journal of any schema for reading only; its text may be damaged, its tail cut."""
    db = lenient(f"{path.resolve().as_uri()}?mode=ro")
    db.text_factory = partial(str, encoding="utf-8", errors="replace")
    return db


def lenient(uri: str) -> sqlite3.Connection:
    """Return a connection that does not refuse a file for being shorter than it says of itself."""
    db = sqlite3.connect(uri, timeout=60, uri=True)
    db.execute("PRAGMA writable_schema=ON")
    return db


def readable(db: sqlite3.Connection, path: Path) -> Iterator[Entry | None]:
    """Yield every entry that can be read, and None where a damaged page is passed over.

    The index on keys is not used, so that damage there costs nothing.

    Raises:
        RunError: the file is no journal.
    """
    version = version_of(db, path)
    query, give_up = (_FROM_ROW_1, 1) if version == 1 else (_FROM_ROW, _GIVE_UP)
    number = missed = 0
    while version and missed < give_up:
        try:
            for row in db.execute(query, (number,)):
                number, missed = row[0], 0
                yield Entry(*row[1:])
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            if not missed:
                yield None
            number, missed = number + 1 + missed // 64, missed + 1  # ever larger steps
        else:
            return


def is_damage(error: sqlite3.DatabaseError) -> bool:
    """Return True for an error of a damaged page, not of a lock, a full disk or our fault."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_CORRUPT

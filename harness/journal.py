"""The journal: every answer, check and verdict that was ever paid for, kept once.

One SQLite file in WAL mode with short transactions, shared by all runs and by several processes
of one host. Keys never hold a suite's name or a sample's position, so an answer is found again
by whatever asks the same thing of the same model. Each entry carries a checksum; a damaged one
is set aside and asked again. Failures are not stored.
"""

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from eval_suites.suite import Decoding, Request
from harness.errors import RunError
from harness.runs import digest

SCHEMA = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS entries(
    key TEXT PRIMARY KEY, kind TEXT NOT NULL, body BLOB NOT NULL, sum TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS quarantine(key TEXT, kind TEXT, body BLOB, sum TEXT);
"""


def payload(request: Request) -> Any:
    """What the model sees: token ids, or the canonical messages of an endpoint."""
    if request.token_ids is not None:
        return list(request.token_ids)
    if request.text is not None:
        return {"text": request.text}
    return {"messages": [asdict(m) for m in request.messages], "prefix": request.prefix}


def answer_key(
    engine: Mapping[str, str], model: str, request: Request, seed: int, repeat: int
) -> str:
    """Key of one generated answer.

    Args:
        engine: name, version, dtype (and base URL, served name of an endpoint).
        model: fingerprint of the weights and the adapter.
        request: rendered for this engine.
        seed: of the run; a greedy answer does not depend on it.
        repeat: 0 for the first sample of this request, 1 for the next.
    """
    decoding: Decoding = request.decoding
    sampled = decoding.temperature > 0
    return digest(
        {
            "engine": dict(engine),
            "model": model,
            "payload": payload(request),
            "decoding": asdict(decoding),
            "top_logprobs": request.top_logprobs,
            "seed": seed if sampled else None,
            "repeat": repeat,
        }
    )


def derived_seed(seed: int, request: Request) -> int:
    """A 30-bit seed of its own for each request; its repeats count on from there."""
    return int(digest([seed, payload(request)], 8), 16) & 0x3FFFFFFF


class Journal:
    """A key-value store of JSON bodies; use as a context manager.

    Raises:
        RunError: the file is no journal, or another version wrote it; the message says what to do.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damaged = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, timeout=60, isolation_level=None)
        try:
            self._prepare()
        except sqlite3.DatabaseError as error:
            self._db.close()
            if "disk is full" in str(error):
                raise
            raise RunError(
                f"{path}: not a readable journal ({error}); move it away and run again: "
                "answers will be asked anew"
            ) from None

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version not in (0, SCHEMA):
            self._db.close()
            raise RunError(
                f"{self.path}: journal of schema {version}, this program writes {SCHEMA}; "
                "use another --runs folder or move the file away"
            )
        self._db.executescript(_TABLES)
        self._db.execute(f"PRAGMA user_version={SCHEMA}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._db.close()

    def get(self, key: str) -> dict[str, Any] | None:
        """The body stored under a key; None when there is none, or a damaged one (set aside)."""
        row = self._db.execute("SELECT body, sum FROM entries WHERE key=?", (key,)).fetchone()
        if row is None:
            return None
        body, stored = row
        if _checksum(key, body) != stored:
            self._set_aside(key)
            return None
        value: dict[str, Any] = json.loads(zlib.decompress(body))
        return value

    def put(self, key: str, kind: str, value: Mapping[str, Any]) -> None:
        """Store a body; one that is already there stays (the first answer counts)."""
        body = zlib.compress(json.dumps(value, ensure_ascii=False).encode(), 1)
        self._db.execute(
            "INSERT OR IGNORE INTO entries VALUES(?,?,?,?)", (key, kind, body, _checksum(key, body))
        )

    def counts(self) -> dict[str, int]:
        """Entries by kind."""
        rows = self._db.execute("SELECT kind, count(*) FROM entries GROUP BY kind ORDER BY kind")
        return dict(rows.fetchall())

    def _set_aside(self, key: str) -> None:
        self.damaged += 1
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute(
            "INSERT INTO quarantine SELECT key, kind, body, sum FROM entries WHERE key=?", (key,)
        )
        self._db.execute("DELETE FROM entries WHERE key=?", (key,))
        self._db.execute("COMMIT")


def _checksum(key: str, body: bytes) -> str:
    return hashlib.blake2b(key.encode() + body, digest_size=16).hexdigest()

"""The journal: every answer, check and verdict that was ever paid for, kept once.

One SQLite file in WAL mode with short transactions, shared by all runs and by several processes
of one host. Keys never hold a suite's name or a sample's position, so an answer is found again
by whatever asks the same thing of the same model. Each entry carries a checksum; a damaged one
is set aside and asked again. Failures are not stored.
"""

import contextlib
import json
import re
import sqlite3
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from eval_suites.requests import Request
from harness.storage.hashing import digest
from harness.storage.journal.file import checksum, connect, explaining, transaction

#: Found entries are counted together, this many at once.
_HITS = 1000


def payload(request: Request) -> Any:
    """Return the prompt as the model sees it: token ids, or an endpoint's canonical messages."""
    if request.continuation:
        if request.token_ids is None:
            return {"text": request.text, "continuation": request.continuation}
        ids = list(request.continuation_ids)
        rolling = request.text is None  # else it is cut off where there is no room
        return {"before": list(request.token_ids), "continuation": ids, "rolling": rolling}
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
    sampled = request.decoding.temperature > 0
    return digest(
        {
            "engine": dict(engine),
            "model": model,
            "payload": payload(request),
            "decoding": asdict(request.decoding),
            "top_logprobs": request.top_logprobs,
            "seed": seed if sampled else None,
            "repeat": repeat,
        }
    )


def derived_seed(seed: int, request: Request) -> int:
    """Return a 30-bit seed of its own for each request; its repeats count on from there."""
    return int(digest([seed, payload(request)], 8), 16) & 0x3FFFFFFF


def origin_of(engine: Mapping[str, str], name: str, fingerprint: str) -> str:
    """Name the giver of an answer, for people; it is no part of the key.

    Args:
        engine: as for `answer_key`.
        name: what the model was called when it was first asked.
        fingerprint: as for `answer_key`; hashes are cut to 12 digits.
    """
    short = re.sub(r"([0-9a-f]{12})[0-9a-f]{52}", r"\1", fingerprint)
    return f"{' '.join(engine.values())}, {name} {short}"


class Journal:
    """A key-value store of JSON bodies; use as a context manager.

    Every `put` is a transaction of its own: what it returned for survives a SIGKILL. That costs a
    tenth of a millisecond (docs/explanation/performance/journal.md), too little to risk an answer
    for.

    Raises:
        RunError: the file is no journal, or another version wrote it; the message says what to do.
        RunFailed: the disk is full (every method may raise it).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damaged = 0
        self._found: Counter[str] = Counter()
        self._db = connect(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._count_found()
        self._db.close()

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the body stored under a key; None when there is none, or a damaged one."""
        with explaining(self.path):
            # Casts, because damage may also have changed a column's type.
            row = self._db.execute(
                "SELECT CAST(body AS BLOB), CAST(sum AS BLOB) FROM entries WHERE key=?", (key,)
            ).fetchone()
            if row is None:
                return None
            body, stored = row
            if body is None or checksum(key, body).encode() != stored:
                self._set_aside(key, body)
                return None
        self._found[key] += 1
        if len(self._found) >= _HITS:
            self._count_found()
        value: dict[str, Any] = json.loads(zlib.decompress(body))
        return value

    def put(self, key: str, kind: str, value: Mapping[str, Any], origin: str = "") -> None:
        """Store a body; one that is already there stays (the first answer counts).

        Args:
            key: of `answer_key`, or a digest of whatever was asked.
            kind: "answer", "check" or "reward".
            value: JSON-able.
            origin: who said it, in words that a person would prune by.
        """
        body = zlib.compress(json.dumps(value, ensure_ascii=False).encode(), 1)
        with explaining(self.path):
            self._db.execute(
                "INSERT OR IGNORE INTO entries(key, kind, body, sum, origin) VALUES(?,?,?,?,?)",
                (key, kind, body, checksum(key, body), origin),
            )

    def counts(self) -> dict[str, int]:
        """Entries by kind."""
        query = "SELECT kind, count(*) FROM entries GROUP BY kind ORDER BY kind"
        with explaining(self.path):
            return dict(self._db.execute(query).fetchall())

    def _set_aside(self, key: str, body: bytes | None) -> None:
        """Move a damaged entry, unless another process has put a good one there by now."""
        self.damaged += 1
        where = "FROM entries WHERE key=? AND CAST(body AS BLOB) IS ?"
        with transaction(self._db):
            for what in ("INSERT INTO quarantine SELECT key, kind, body, sum", "DELETE"):
                self._db.execute(f"{what} {where}", (key, body))

    def _count_found(self) -> None:
        """Write down what was found again; statistics, so no run fails over them."""
        counts, self._found = self._found, Counter()
        if counts:
            with contextlib.suppress(sqlite3.DatabaseError), transaction(self._db):
                self._db.executemany(
                    "INSERT INTO hits VALUES(?,?) ON CONFLICT(key) DO UPDATE "
                    "SET times = times + excluded.times",
                    counts.items(),
                )

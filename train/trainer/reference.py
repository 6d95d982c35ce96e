"""The reference's log-probabilities, computed once and kept on disk.

One SQLite file for all jobs. An entry is a response after its prompt; its key covers what the
number depends on (weights, token ids, dtype, attention kernel, form) and nothing else, so every
method, beta, alpha and learning rate of a sweep shares it. Entries carry a check and are computed
again where it fails.
"""

import contextlib
import hashlib
import logging
import sqlite3
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import torch
from torch import nn

from train.data.tokens import TokenGroup
from train.model.logprobs import Form, logprobs
from train.trainer.distributed import SINGLE_PROCESS, Processes

_LOG = logging.getLogger(__name__)
_FILE = "reference.sqlite"
_TABLE = (
    "CREATE TABLE IF NOT EXISTS entries "
    "(key BLOB PRIMARY KEY, logp REAL, tokens INTEGER, proof BLOB) WITHOUT ROWID"
)


@dataclass(frozen=True, slots=True)
class ReferenceSource:
    """What computes a reference: fingerprint of the weights, dtype, attention kernel, form."""

    weights: str
    dtype: str
    kernel: str
    form: Form


@dataclass(frozen=True, slots=True)
class ReferenceReport:
    """Responses whose reference was computed now, and those found on disk."""

    computed: int
    cached: int


def reference_logps(
    model: nn.Module,
    groups: Sequence[TokenGroup],
    source: ReferenceSource,
    folder: Path,
    prompts_per_batch: int,
    progress: Callable[[int, int], None],
    world: Processes = SINGLE_PROCESS,
) -> tuple[list[tuple[float, ...]], ReferenceReport]:
    """Summed log-probabilities of every response under the reference, nats.

    Of several processes each computes what is missing of its share of the prompts, and then reads
    the others' from the cache.

    Args:
        model: the reference.
        groups: prompts with their responses.
        source: identifies `model` and how it computes.
        folder: where the cache lies; made when missing.
        prompts_per_batch: prompts in one forward pass.
        progress: told (done, total) in responses of this process that had to be computed.
        world: the processes of the run; each is given all prompts.
    """
    keys = [_keys(source, group) for group in groups]
    if world.main:
        with _opened(folder):
            pass  # one process makes a fresh file, or puts a damaged one aside
    world.wait()
    with _opened(folder) as cache:
        mine = slice(world.rank, None, world.size)
        known = _load(cache, keys[mine])
        missing = _missing(groups[mine], keys[mine], known)
        computed = 0
        total = sum(len(lacking) for _, lacking in missing)
        for start in range(0, len(missing), prompts_per_batch):
            fresh = _compute(model, missing[start : start + prompts_per_batch], source.form)
            _store(cache, fresh)
            known |= {key: logp for key, (logp, _) in fresh.items()}
            computed += len(fresh)
            progress(computed, total)
        # This also waits for the others: what they computed is in the cache after it.
        fresh_keys = set(world.gathered([key for _, lacking in missing for key in lacking]))
        known |= _load(cache, [[key for key in row if key not in known] for row in keys])
    cached = len({key for row in keys for key in row}) - len(fresh_keys)
    report = ReferenceReport(len(fresh_keys), cached)
    return [tuple(known[key] for key in row) for row in keys], report


def _keys(source: ReferenceSource, group: TokenGroup) -> list[bytes]:
    head = hashlib.sha256(repr((astuple(source), group.prompt)).encode())
    keys = []
    for response in group.responses:
        whole = head.copy()
        whole.update(repr(response).encode())
        keys.append(whole.digest())
    return keys


def _missing(
    groups: Sequence[TokenGroup], keys: Sequence[list[bytes]], known: dict[bytes, float]
) -> list[tuple[TokenGroup, list[bytes]]]:
    """Each group reduced to responses nobody has, and their keys; groups of a size together."""
    asked: set[bytes] = set()
    found = []
    for group, row in zip(groups, keys, strict=True):
        lacking = {key: i for i, key in enumerate(row) if key not in known and key not in asked}
        asked |= lacking.keys()
        if lacking:
            places = lacking.values()
            responses = tuple(group.responses[i] for i in places)
            rewards = tuple(group.rewards[i] for i in places)
            rest = TokenGroup(group.prompt, responses, rewards, group.source)
            found.append((rest, list(lacking)))
    return sorted(found, key=lambda pair: pair[0].size)


def _compute(
    model: nn.Module, part: Sequence[tuple[TokenGroup, list[bytes]]], form: Form
) -> dict[bytes, tuple[float, int]]:
    with torch.no_grad():
        sums, lengths = logprobs(model, [group for group, _ in part], form)
    return {
        key: (float(sums[row, column]), int(lengths[row, column]))
        for row, (_, keys) in enumerate(part)
        for column, key in enumerate(keys)
    }


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[sqlite3.Connection]:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _FILE
    try:
        connection = _connect(path)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise  # locked or not writable: nothing is damaged
        aside = path.with_suffix(".damaged")
        _LOG.warning("%s is damaged (%s): moved to %s, starting anew", path, error, aside.name)
        path.replace(aside)
        for rest in ("-wal", "-shm"):
            path.with_name(path.name + rest).unlink(missing_ok=True)
        connection = _connect(path)
    with contextlib.closing(connection):
        yield connection


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=60)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(_TABLE)
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection


def _load(cache: sqlite3.Connection, keys: Sequence[list[bytes]]) -> dict[bytes, float]:
    """The entries that are there and pass their check."""
    found = {}
    for key in (key for row in keys for key in row):
        entry = cache.execute(
            "SELECT logp, tokens, proof FROM entries WHERE key = ?", (key,)
        ).fetchone()
        if entry is None:
            continue
        logp, tokens, proof = entry
        if proof == _proof(key, logp, tokens):
            found[key] = float(logp)
        else:
            _LOG.warning("a damaged entry in %s is computed again", _FILE)
    return found


def _store(cache: sqlite3.Connection, fresh: dict[bytes, tuple[float, int]]) -> None:
    rows = [(key, logp, n, _proof(key, logp, n)) for key, (logp, n) in fresh.items()]
    with cache:
        cache.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)", rows)


def _proof(key: bytes, logp: float, tokens: int) -> bytes:
    return hashlib.sha256(key + struct.pack("<dq", logp, tokens)).digest()[:8]

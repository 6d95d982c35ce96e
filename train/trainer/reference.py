"""The cache of the reference's log-probabilities, computed once and kept on disk.

One SQLite file serves all jobs. An entry is a response after its prompt; its key covers everything
on which the number depends (weights, token ids, dtype, attention kernel, form) and nothing else, so
every method, beta, alpha and learning rate of a sweep shares it. Entries carry a checksum and are
computed again where it fails.
"""

import contextlib
import hashlib
import logging
import sqlite3
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass
from itertools import chain
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
    """The settings that a reference depends on: weights (fingerprint), dtype, kernel and form."""

    weights: str
    dtype: str
    kernel: str
    form: Form


@dataclass(frozen=True, slots=True)
class ReferenceReport:
    """The numbers of responses whose reference was computed now, and of those read from disk."""

    computed: int
    cached: int


def reference_logps(
    model: nn.Module,
    groups: Sequence[TokenGroup],
    source: ReferenceSource,
    folder: Path,
    prompts_per_batch: int,
    progress: Callable[[int, int], None],
    processes: Processes = SINGLE_PROCESS,
) -> tuple[list[tuple[float, ...]], ReferenceReport]:
    """Compute, or read, the summed log-probabilities of all responses under the reference, nats.

    Of several processes, all given the same groups, each computes the missing entries of its share
    of the prompts, and then reads the others' from the cache. `source` holds what the numbers of
    `model` depend on; `folder`, of the cache, is made when missing; `prompts_per_batch` go through
    one forward pass; `progress` is called with (done, total) responses that this process computes.
    """
    keys = [_keys(source, group) for group in groups]
    if processes.main:
        with _open(folder):
            pass  # one process makes a fresh file, or puts a damaged one aside
    processes.gather([])  # wait for it
    with _open(folder) as cache:
        share = slice(processes.rank, None, processes.size)
        logps = _load(cache, chain(*keys[share]))
        missing = _missing(groups[share], keys[share], logps)
        missing_keys = [key for _, group_keys in missing for key in group_keys]
        computed = 0
        for start in range(0, len(missing), prompts_per_batch):
            fresh = _compute(model, missing[start : start + prompts_per_batch], source.form)
            with cache:
                rows = [(*entry, _checksum(*entry)) for entry in fresh]
                cache.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)", rows)
            logps |= {key: logp for key, logp, _ in fresh}
            computed += len(fresh)
            progress(computed, len(missing_keys))
        # This also waits for the others, whose entries are in the cache afterwards.
        computed_keys = set(processes.gather(missing_keys))
        logps |= _load(cache, (key for key in chain(*keys) if key not in logps))
    report = ReferenceReport(len(computed_keys), len(set(chain(*keys))) - len(computed_keys))
    return [tuple(logps[key] for key in row) for row in keys], report


def _keys(source: ReferenceSource, group: TokenGroup) -> list[bytes]:
    head = repr((astuple(source), group.prompt))
    return [hashlib.sha256(f"{head}{answer}".encode()).digest() for answer in group.responses]


def _missing(
    groups: Sequence[TokenGroup], keys: Sequence[list[bytes]], logps: dict[bytes, float]
) -> list[tuple[TokenGroup, list[bytes]]]:
    """Reduce groups to responses without an entry, with their keys, groups of a size together."""
    seen = set(logps)
    missing = []
    for group, row in zip(groups, keys, strict=True):
        places = {key: i for i, key in enumerate(row) if key not in seen}
        seen |= places.keys()
        if places:
            responses = tuple(group.responses[i] for i in places.values())
            rewards = tuple(group.rewards[i] for i in places.values())
            rest = TokenGroup(group.prompt, responses, rewards, group.source)
            missing.append((rest, list(places)))
    return sorted(missing, key=lambda pair: pair[0].size)


def _compute(
    model: nn.Module, part: Sequence[tuple[TokenGroup, list[bytes]]], form: Form
) -> list[tuple[bytes, float, int]]:
    """Compute the key, log-probability and number of tokens of each response."""
    with torch.no_grad():
        sums, lengths = logprobs(model, [group for group, _ in part], form)
    rows = zip(part, sums.tolist(), lengths.tolist(), strict=True)
    return [entry for (_, keys), *values in rows for entry in zip(keys, *values, strict=False)]


def _open(folder: Path) -> contextlib.closing[sqlite3.Connection]:
    """Open the cache; a damaged file is put aside, and a fresh one is made."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _FILE
    connection = sqlite3.connect(path, timeout=60)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(_TABLE)
    except sqlite3.DatabaseError as error:
        connection.close()
        if isinstance(error, sqlite3.OperationalError):
            raise  # locked or not writable: nothing is damaged
        aside = path.with_suffix(".damaged")
        _LOG.warning("%s is damaged (%s): moved to %s, starting anew", path, error, aside.name)
        path.replace(aside)
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return _open(folder)
    return contextlib.closing(connection)


def _load(cache: sqlite3.Connection, keys: Iterable[bytes]) -> dict[bytes, float]:
    logps = {}
    query = "SELECT logp, tokens, proof FROM entries WHERE key = ?"
    for key in keys:
        for logp, tokens, checksum in cache.execute(query, (key,)):
            if checksum == _checksum(key, logp, tokens):
                logps[key] = float(logp)
            else:
                _LOG.warning("a damaged entry in %s is computed again", _FILE)
    return logps


def _checksum(key: bytes, logp: float, tokens: int) -> bytes:
    return hashlib.sha256(key + struct.pack("<dq", logp, tokens)).digest()[:8]

"""The progress of a stage, in a file of its folder for those who look from outside.

    progress.json: {"phase": str, "done": int, "total": int, "seconds_left": float | None}
    of an evaluation also {"tokens_per_second": float | None, "not_ok": int, "lost": int,
                           "suites": {suite: {"done": int, "total": int}}}

The file is replaced at most every two seconds. It is gone when the stage ends well; what a stage
that was killed leaves says how far that one came.
"""

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.progress.events import Reporter
from harness.progress.throughput import Pace, Phase, phase_heard

FILE = "progress.json"
EVERY_S = 2.0


@contextlib.contextmanager
def kept(report: Reporter, folder: Path) -> Iterator[Reporter]:
    """A reporter that hands events on, and keeps in a stage's folder how far the stage is."""
    file = folder / FILE
    file.unlink(missing_ok=True)
    yield Keeper(report, file)
    file.unlink(missing_ok=True)


class Keeper:
    """Hands events on; writes what they say of progress, at most every `EVERY_S` seconds.

    Args:
        report: hears every event first.
        file: where progress is kept.
        clock: seconds, from one that never jumps.
    """

    def __init__(
        self, report: Reporter, file: Path, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._report, self._file, self._clock = report, file, clock
        self._next = clock()
        self._pace = Pace()
        self._phase: Phase | None = None
        self._name = ""

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Hand on an event, and keep what it says."""
        self._report(event)
        standing = self._standing(event)
        if standing is None or self._clock() < self._next:
            return
        with contextlib.suppress(OSError):  # a full disk is the work's to tell, not ours
            _replace(self._file, standing)
        self._next = self._clock() + EVERY_S

    def _standing(self, event: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the progress after an event; None after one that does not change it."""
        if event["event"] == "evaluating":
            self._pace = self._pace.heard(event)
            return evaluation(self._pace)
        if event["event"] != "progress":
            return None
        old = self._phase if event["phase"] == self._name else None
        self._name, self._phase = event["phase"], phase_heard(old, event, self._clock())
        counts = {"done": event["done"], "total": event["total"]}
        return {"phase": self._name, **counts, "seconds_left": self._phase.left(self._clock())}


def _replace(file: Path, value: Mapping[str, Any]) -> None:
    """Write JSON as `harness.storage.run_folder.write_json`, without waiting for the disk.

    An engine must not wait for it. The temporary name is unique: the writer holds the folder's
    lock.
    """
    temporary = file.with_name(f".{file.name}.new")
    temporary.write_text(json.dumps(value) + "\n", encoding="utf-8")
    temporary.replace(file)


def evaluation(pace: Pace) -> dict[str, Any]:
    """Return the progress of an evaluation for the file."""
    suites: dict[str, dict[str, int]] = {}
    for pair in pace.pairs.values():
        counts = suites.setdefault(pair.suite, {"done": 0, "total": 0})
        counts["done"] += pair.done
        counts["total"] += pair.total
    return {
        "phase": "evaluate",
        "done": pace.done,
        "total": pace.total,
        "seconds_left": pace.left,
        "tokens_per_second": pace.rate,
        "not_ok": sum(pair.not_ok for pair in pace.pairs.values()),
        "lost": sum(pair.lost for pair in pace.pairs.values()),
        "suites": suites,
    }

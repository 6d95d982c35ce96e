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
from harness.progress.throughput import EvaluationProgress, Phase, phase_after
from harness.storage.atomic_files import write_bytes

FILE = "progress.json"
EVERY_S = 2.0


@contextlib.contextmanager
def recording(report: Reporter, folder: Path) -> Iterator[Reporter]:
    """Yield a reporter that hands events on and keeps the stage's progress in its folder."""
    file = folder / FILE
    file.unlink(missing_ok=True)
    yield ProgressRecorder(report, file)
    file.unlink(missing_ok=True)


class ProgressRecorder:
    """Hands events on; writes what they say of progress, at most every `EVERY_S` seconds.

    `report` hears every event first; `clock` gives seconds and never jumps.
    """

    def __init__(
        self, report: Reporter, file: Path, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._report, self._file, self._clock = report, file, clock
        self._next = clock()
        self._evaluation = EvaluationProgress()
        self._phase: Phase | None = None
        self._name = ""

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Hand on an event, and keep what it says."""
        self._report(event)
        progress = self._progress(event)
        if progress is None or self._clock() < self._next:
            return
        with contextlib.suppress(OSError):  # a full disk is the work's to tell, not ours
            # An engine must not wait for the disk.
            write_bytes(self._file, f"{json.dumps(progress)}\n".encode(), durable=False)
        self._next = self._clock() + EVERY_S

    def _progress(self, event: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the progress after an event; None after one that does not change it."""
        if event["event"] == "evaluating":
            self._evaluation = self._evaluation.after(event)
            suites: dict[str, dict[str, int]] = {}
            for pair in self._evaluation.pairs.values():
                sums = suites.setdefault(pair.suite, {"done": 0, "total": 0})
                sums["done"] += pair.done
                sums["total"] += pair.total
            failed = {name: self._evaluation.count(name) for name in ("not_ok", "lost")}
            overall = self._evaluation.overall
            return {"phase": "evaluate", **overall, **failed, "suites": suites}
        if event["event"] != "progress":
            return None
        old = self._phase if event["phase"] == self._name else None
        self._name, self._phase = event["phase"], phase_after(old, event, self._clock())
        counts = {"done": event["done"], "total": event["total"]}
        return {"phase": self._name, **counts, "seconds_left": self._phase.left(self._clock())}

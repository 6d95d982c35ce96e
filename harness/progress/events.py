"""The events that a stage reports to its starter: JSON lines on a pipe of their own.

    {"event": "progress", "phase": str, "done": int, "total": int}
    {"event": "evaluating", "seconds": float, "pairs": [fields of harness.progress.throughput.Pair]}
    {"event": "log", "split": "train" | "probe", "step": int, ...}
    {"event": "note", "text": str}
    {"event": "error", "message": str, "exit_code": int}
    {"event": "evaluated", "asked": int, "reused": int, "tokens": int, "lost": int,
     "verdicts_asked": int, "verdicts_reused": int, "judge": dict | None, "damaged": int}
    {"event": "tracked", "uri": str, "points": int, "failed": str}

`evaluating` holds every pair when it first comes and then those that changed; no more than five
come a second (`harness.evaluate.loop.evaluation_progress`). Nothing else is promised; a reader
leaves out what it does not know. docs/reference/events.md says what `--json` makes of them.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Reporter = Callable[[Mapping[str, Any]], None]

_EVERY_S = 0.2


def silent(_event: Mapping[str, Any]) -> None:
    """Tell nobody."""


def note_to(report: Reporter) -> Callable[[str], None]:
    """Return a function that reports a line which people should read."""
    return lambda text: report({"event": "note", "text": text})


@dataclass(slots=True)
class PhaseProgress:
    """The steps of a phase that are done, each of which is reported."""

    report: Reporter
    phase: str
    total: int
    done: int = 0

    def step(self, count: int = 1) -> None:
        """Count steps as done, and report; a count of 0 reports the beginning."""
        self.done += count
        counts = {"done": self.done, "total": self.total}
        self.report({"event": "progress", "phase": self.phase, **counts})


class PipeReporter:
    """Writes events to a file descriptor, progress at most five times a second.

    A reader that went away does not end the work.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._last = 0.0

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Send one event."""
        if event["event"] == "progress" and event["done"] < event["total"]:
            now = time.monotonic()
            if now - self._last < _EVERY_S:
                return
            self._last = now
        try:
            os.write(self._descriptor, json.dumps(dict(event)).encode() + b"\n")
        except OSError:
            self._descriptor = os.open(os.devnull, os.O_WRONLY)

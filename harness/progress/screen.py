"""The screens that show what a pipeline is doing: one for logs and pipes, and one for programs.

Plain lines say what ends and, every quarter minute, what runs; JSON lines hold every event
(docs/reference/events.md).
"""

import json
import math
import os
import time
from collections.abc import Callable, Mapping
from typing import Any, Self, TextIO

from rich.console import Console

from harness.progress.throughput import EvaluationProgress, Phase, View
from harness.progress.wording import clock, failures, lasting_lines, overall_line, stage_line

EVERY_S = 15.0
#: Running pairs that a line names.
_NAMED = 4


class Screen:
    """A screen that shows nothing; others show what a pipeline is running. A context manager."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop showing."""

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Show a stage that begins (`stage`), `ended` or is `skipped`, or an event of a stage."""


class Plain(Screen):
    """A line when a stage begins, when a pair or phase is done, and every quarter minute between.

    `now` is a clock in seconds that never jumps.
    """

    def __init__(self, console: Console, now: Callable[[], float] = time.monotonic) -> None:
        self._console, self._now = console, now
        self._view, self._last = View(), 0.0

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Show an event: words at once, counts now and then."""
        old, now, kind = self._view, self._now(), event["event"]
        self._view = old.after(event, now)
        if kind == "stage":
            self._last = now
            self._print(self._view.title)
        if line := stage_line(event, now - old.began):
            self._print(line)
        for line in lasting_lines(event, old.progress, self._view.progress):
            self._print(f"      {line}")
        if kind == "progress":
            self._phase(event["phase"], self._view.phases[event["phase"]], now)
        progress, due = self._view.progress, now - self._last >= EVERY_S
        if kind == "evaluating" and due and progress.done < progress.total:
            self._last = now
            self._print(f"      evaluate: {overall_line(progress)}{_running(progress)}")

    def _phase(self, name: str, phase: Phase, now: float) -> None:
        ended = phase.done >= phase.total
        if not ended and now - self._last < EVERY_S:
            return
        self._last = now
        left = phase.left(now)
        rest = f", about {clock(left)} left" if left is not None else ""
        ending = f" in {clock(now - phase.began)}" if ended else rest
        self._print(f"      {name}: {phase.done:,}/{phase.total:,}{ending}")

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def _running(progress: EvaluationProgress) -> str:
    running = [pair for pair in progress.pairs.values() if pair.running]
    named = []
    for pair in running[:_NAMED]:
        failed = failures(pair.not_ok, pair.lost)
        named.append(f"{pair.title} {pair.done:,}/{pair.total:,}{f' ({failed})' if failed else ''}")
    more = [f"{len(running) - _NAMED} more"] if len(running) > _NAMED else []
    return f"; running: {', '.join(named + more)}" if running else ""


class JsonLines(Screen):
    """Writes every event as it comes; an evaluation's with its overall speed and time left.

    A reader that went away does not end the work.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._evaluation = EvaluationProgress()

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Write an event."""
        if event["event"] == "stage":
            self._evaluation = EvaluationProgress()
        if event["event"] == "evaluating":
            self._evaluation = self._evaluation.after(event)
            event = {"event": "evaluating", **self._evaluation.overall, **event}
        self.write(event)

    def write(self, event: Mapping[str, Any]) -> None:
        """Write one line."""
        try:
            print(json.dumps(_finite(event), ensure_ascii=False), file=self._file, flush=True)
        except BrokenPipeError:
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, self._file.fileno())
            os.close(nothing)


def _finite(value: Any) -> Any:
    """Return the value with null in place of numbers that JSON lacks (a diverged loss, say)."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value

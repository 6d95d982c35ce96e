"""Progress for programs: a JSON object a line (docs/reference/events.md)."""

import json
import math
import os
from collections.abc import Mapping
from typing import Any, TextIO

from harness.progress.screen import Screen
from harness.progress.throughput import EvaluationProgress


class JsonLines(Screen):
    """Writes every event as it comes; an evaluation's with its overall speed and time left.

    A reader that went away does not end the work.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._evaluation = EvaluationProgress()

    def stage(self, number: int, of: int, title: str) -> None:
        """Write that a stage begins."""
        self._evaluation = EvaluationProgress()
        self.write({"event": "stage", "number": number, "of": of, "title": title})

    def ended(self, number: int, of: int, title: str) -> None:
        """Write that the stage is done."""
        self.write({"event": "ended", "number": number, "of": of, "title": title})

    def skipped(self, number: int, of: int, title: str) -> None:
        """Write that a stage was done already."""
        self.write({"event": "skipped", "number": number, "of": of, "title": title})

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Write an event."""
        if event["event"] == "evaluating":
            self._evaluation = self._evaluation.after(event)
            event = {"event": "evaluating", **self._evaluation.overall, **event}
        self.write(event)

    def write(self, event: Mapping[str, Any]) -> None:
        """Write one line."""
        try:
            print(json.dumps(finite(event), ensure_ascii=False), file=self._file, flush=True)
        except BrokenPipeError:
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, self._file.fileno())
            os.close(nothing)


def finite(value: Any) -> Any:
    """Return the value with null in place of numbers that JSON lacks (a diverged loss, say)."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    return [finite(item) for item in value] if isinstance(value, list | tuple) else value

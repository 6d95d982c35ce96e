"""What a run tells while it runs: JSON-able events to callbacks that it is handed."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Callback(Protocol):
    """Hears the events of a run.

    {"event": "data", "split": "train" | "probe", ...train.data.prepare.Counts}
    {"event": "progress", "phase": "reference" | "train" | "probe", "done": int, "total": int}
    {"event": "log", "split": "train" | "probe", "step": int, ...metrics}
    {"event": "speed", "split": "train", "step": int, "seconds": float, "tokens_per_second": float}
    {"event": "note", "text": str}
    """

    def on_event(self, event: Mapping[str, Any]) -> None:
        """Called in the run's own thread; an exception ends the run."""


class EventEmitter:
    """Hands events to all callbacks, in order."""

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self._callbacks = tuple(callbacks)

    def tell(self, event: str, **fields: Any) -> None:
        """One event with its fields."""
        for callback in self._callbacks:
            callback.on_event({"event": event, **fields})

    def progress(self, phase: str, done: int, total: int) -> None:
        """How far a phase is."""
        self.tell("progress", phase=phase, done=done, total=total)

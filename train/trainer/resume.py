"""Stopping and resuming a run: Ctrl-C at the end of a step, and the last saved state."""

import json
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from transformers import TrainerCallback

from train.trainer.distributed import Processes

#: The file among the saved states that names the run to which they belong.
_IDENTITY = "job.txt"


@contextmanager
def deferred_interrupt() -> Iterator[Callable[[], bool]]:
    """Let the first SIGINT only set what the yielded function returns; the second one interrupts.

    Outside the main thread, where Python delivers no signals, the function returns False.
    """
    requested = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield requested.is_set
        return

    def handle(number: int, frame: FrameType | None) -> None:
        if requested.is_set():
            signal.default_int_handler(number, frame)
        requested.set()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield requested.is_set
    finally:
        signal.signal(signal.SIGINT, before)


class StopOnRequest(TrainerCallback):  # type: ignore[misc]  # transformers is untyped here
    """Stops the run after a step, with its state saved, where it was requested in any process."""

    def __init__(self, requested: Callable[[], bool], processes: Processes) -> None:
        self._requested = requested
        self._processes = processes

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Save and stop, on request."""
        # A signal reaches processes at different steps.
        if any(self._processes.gather([self._requested()])):
            control.should_save = control.should_training_stop = True


def find_last_state(folder: Path, identity: str) -> tuple[Path, int] | None:
    """Return the newest complete state among `checkpoint-<step>/`, and its step.

    States of another run, with another identity (a hash of config, weights and data), are removed.
    """
    file = folder / _IDENTITY
    if not file.is_file() or file.read_text(encoding="utf-8") != identity:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        file.write_text(identity, encoding="utf-8")
        return None
    last = None
    for state in sorted(folder.glob("checkpoint-*"), key=_step):
        if _is_complete(state):
            last = (state, _step(state))
        else:
            shutil.rmtree(state)
    return last


def _step(state: Path) -> int:
    return int(state.name.rpartition("-")[2])


def _is_complete(state: Path) -> bool:
    """Return whether the Trainer finished the state: it writes trainer_state.json last."""
    try:
        saved = json.loads((state / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(saved["global_step"] == _step(state))

"""The records and events of a run.

`steps.jsonl` has one record for every step and one for every probe. `speed.jsonl` beside it has the
speed of every step, so that records hold no times. Both are emitted as events too.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch

from train.config import TrainConfig
from train.trainer.batch_loss import Item, score_at_reference, score_batch
from train.trainer.metrics import BatchScores, concatenate, summarise
from train.trainer.schedule import micro_batches
from train.trainer.trainer import GroupTrainer

#: Nats that the best responses may lose on average before a warning is emitted.
FALL = 10.0
_FALLEN = (
    "warning: step {step}: the best responses of the {split} prompts lost {lost:.1f} nats against "
    "the reference on average (more than {fall:.0f}): good and bad responses sink together; "
    "consider nca, a lower learning_rate or a larger beta"
)


class Callback(Protocol):
    """A receiver of the events of a run, which are JSON-able.

    {"event": "data", "split": "train" | "probe", ...train.data.prepare.Counts}
    {"event": "progress", "phase": "reference" | "train" | "probe", "done": int, "total": int}
    {"event": "log", "split": "train" | "probe", "step": int, ...metrics}
    {"event": "speed", "split": "train", "step": int, "seconds": float, "tokens_per_second": float}
    {"event": "note", "text": str}
    """

    def on_event(self, event: Mapping[str, Any]) -> None:
        """Receive an event in the run's own thread; an exception ends the run."""


class EventEmitter:
    """Sends events to all callbacks, in order."""

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self._callbacks = tuple(callbacks)

    def emit(self, event: str, **fields: Any) -> None:
        """Send one event with its fields."""
        for callback in self._callbacks:
            callback.on_event({"event": event, **fields})

    def progress(self, phase: str, done: int, total: int) -> None:
        """Send the progress of a phase."""
        self.emit("progress", phase=phase, done=done, total=total)


class PhaseTimer:
    """The seconds spent in each phase of a run."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the time within for the phase `name`."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began


class Recorder:
    """Writes and emits the records of steps and probes.

    Records are labelled with the updates made before: the first step is 0, and so is the probe
    before it. Of several processes all call it and the main one writes.
    """

    def __init__(
        self,
        folder: Path,
        config: TrainConfig,
        probe: Sequence[Item],
        events: EventEmitter,
        timer: PhaseTimer,
    ) -> None:
        self._steps = folder / "steps.jsonl"
        self._speed = folder / "speed.jsonl"
        self._config = config
        self._probe = probe
        self._events = events
        self._timer = timer
        self._trained_on = 0
        self._warned = False
        self._since = time.perf_counter()

    def begin(self, trainer: GroupTrainer, step: int | None) -> None:
        """Prepare the files for a run that resumes at `step` (None: a fresh run, probed at 0)."""
        if trainer.processes.main:
            for path in (self._steps, self._speed):
                _rewind(path, -1 if step is None else step)
        self._since = time.perf_counter()
        trained = {item.group.prompt for item in trainer.train_dataset}
        self._trained_on = sum(item.group.prompt in trained for item in self._probe)
        if step is None and self._probe:
            # The policy still is the reference, as the check in the first step makes sure.
            scores = score_at_reference(self._probe, trainer.loss_settings)
            self._record_probe(trainer, 0, scores)

    def record_step(self, trainer: GroupTrainer, done: int, logs: dict[str, Any]) -> None:
        """Record the step after which `done` updates are made, and a probe when one is due."""
        total = int(trainer.state.max_steps)
        rates = {"learning_rate": logs["learning_rate"], "grad_norm": round(logs["grad_norm"], 6)}
        fields = {**summarise(trainer.take_scores()), **rates}
        self._record(trainer, "train", done - 1, fields)
        self._record_speed(trainer, done - 1, fields["tokens"])
        self._events.progress("train", done, total)
        if self._probe and (done % self._config.probe_every == 0 or done == total):
            with self._timer.phase("probe"):
                self._record_probe(trainer, done, self._score_probe(trainer))
        self._since = time.perf_counter()

    def _record_speed(self, trainer: GroupTrainer, step: int, tokens: int) -> None:
        seconds = time.perf_counter() - self._since
        line = {
            "split": "train",
            "step": step,
            "seconds": round(seconds, 3),
            "tokens_per_second": round(tokens / seconds, 1),
        }
        if trainer.processes.main:
            _append(self._speed, line)
        self._events.emit("speed", **line)

    def _score_probe(self, trainer: GroupTrainer) -> BatchScores:
        """Score the probe set under the present policy."""
        processes, total, size = trainer.processes, len(self._probe), self._config.prompts_per_batch
        settings, parts = trainer.loss_settings, []
        with torch.no_grad():
            for places in micro_batches(total, total, size, processes.size, processes.rank):
                items = [self._probe[place] for place in places]
                parts.append(score_batch(trainer.model, items, settings, trainer.idle)[1])
                done = min(total, len(parts) * processes.size * size)
                self._events.progress("probe", done, total)
        return concatenate(processes.gather(parts))

    def _record_probe(self, trainer: GroupTrainer, step: int, scores: BatchScores) -> None:
        fields = {**summarise(scores), "trained_on": self._trained_on}
        self._record(trainer, "probe", step, fields)

    def _record(self, trainer: GroupTrainer, split: str, step: int, fields: dict[str, Any]) -> None:
        line = {"split": split, "step": step, **fields}
        if trainer.processes.main:
            _append(self._steps, line)
        self._events.emit("log", **line)
        self._warn_of_fall(split, step, fields["logratio_best"])

    def _warn_of_fall(self, split: str, step: int, best: float | None) -> None:
        """Warn once that good responses became much less likely, by the probe if there is one."""
        judged = "probe" if self._probe else "train"
        if self._warned or split != judged or best is None or best >= -FALL:
            return
        self._warned = True
        self._events.emit(
            "note", text=_FALLEN.format(step=step, split=split, lost=-best, fall=FALL)
        )


def _append(path: Path, record: Mapping[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(record) + "\n")


def _rewind(path: Path, step: int) -> None:
    """Drop the records that a run resumed at `step` will write again, and a torn last line.

    A train record is labelled with the updates made before it, a probe record with those made
    when it was scored: at `step`, the probe has been recorded and the train record not.
    """
    lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.is_file() else []
    records = [json.loads(line) for line in lines]
    kept = [
        record
        for record in records
        if record["step"] < step or (record["split"] == "probe" and record["step"] == step)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    new.write_text("".join(json.dumps(record) + "\n" for record in kept), encoding="utf-8")
    new.replace(path)

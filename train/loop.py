"""The records of a run: one after every step, one after every probe, in steps.jsonl and told."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from train import journal
from train.config import TrainConfig
from train.events import Teller
from train.metrics import joined, record
from train.scoring import Item, Task, scored, scored_at_reference
from train.trainer import GroupTrainer


class Clock:
    """Seconds spent in each phase; kept out of steps.jsonl, which holds no times."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Within, time counts for `name`."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began


class Recorder:
    """Writes and tells what a step or a probe gave.

    Records are labelled with the updates made before: the first step is 0, and so is the probe
    before it.
    """

    def __init__(
        self, path: Path, config: TrainConfig, probe: Sequence[Item], teller: Teller, clock: Clock
    ) -> None:
        self._path = path
        self._config = config
        self._probe = probe
        self._teller = teller
        self._clock = clock

    def begin(self, step: int | None, task: Task) -> None:
        """Bring steps.jsonl to where a run goes on (None: a fresh run, probed at step 0)."""
        journal.rewind(self._path, -1 if step is None else step)
        if step is None and self._probe:
            # The policy still is the reference; the first step's check vouches for that.
            self._write("probe", 0, record(scored_at_reference(self._probe, task)))

    def stepped(self, trainer: GroupTrainer, done: int, logs: dict[str, Any]) -> None:
        """After an update: the step's record, and a probe when one is due."""
        total = int(trainer.state.max_steps)
        rates = {"learning_rate": logs["learning_rate"], "grad_norm": round(logs["grad_norm"], 6)}
        self._write("train", done - 1, {**record(trainer.take_scores()), **rates})
        self._teller.progress("train", done, total)
        if self._probe and (done % self._config.probe_every == 0 or done == total):
            with self._clock.phase("probe"):
                self._write("probe", done, self._probed(trainer))

    def _probed(self, trainer: GroupTrainer) -> dict[str, Any]:
        """The probe set under the policy as it is."""
        parts, size = [], self._config.prompts_per_batch
        with torch.no_grad():
            for start in range(0, len(self._probe), size):
                items = self._probe[start : start + size]
                parts.append(scored(trainer.model, items, trainer.task)[1])
                self._teller.progress("probe", start + len(items), len(self._probe))
        return record(joined(parts))

    def _write(self, split: str, step: int, fields: dict[str, Any]) -> None:
        line = {"split": split, "step": step, **fields}
        journal.append(self._path, line)
        self._teller.tell("log", **line)

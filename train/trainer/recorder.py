"""The records of a run: one after every step, one after every probe, in steps.jsonl and told.

How fast each step was lies in speed.jsonl beside it: records hold no times.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from train.config import TrainConfig
from train.trainer import steps_log
from train.trainer.batch_loss import Item, scored, scored_at_reference
from train.trainer.events import EventEmitter
from train.trainer.metrics import Scores, joined, record
from train.trainer.schedule import share
from train.trainer.trainer import GroupTrainer


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


#: Nats that the best responses may lose on average before a warning is told.
FALL = 10.0
_FALLEN = (
    "warning: step {step}: the best responses of the {split} prompts lost {lost:.1f} nats against "
    "the reference on average (more than {fall:.0f}): good and bad responses sink together; "
    "consider nca, a lower learning_rate or a larger beta"
)


class Recorder:
    """Writes and tells what a step or a probe gave.

    Records are labelled with the updates made before: the first step is 0, and so is the probe
    before it. Of several processes all call it and the main one writes.
    """

    def __init__(
        self,
        path: Path,
        config: TrainConfig,
        probe: Sequence[Item],
        teller: EventEmitter,
        clock: Clock,
    ) -> None:
        self._path = path
        self._speed = path.with_name("speed.jsonl")
        self._config = config
        self._probe = probe
        self._teller = teller
        self._clock = clock
        self._trained_on = 0
        self._warned = False
        self._since = time.perf_counter()

    def begin(self, trainer: GroupTrainer, step: int | None) -> None:
        """Bring steps.jsonl to where a run goes on (None: a fresh run, probed at step 0)."""
        if trainer.world.main:
            for path in (self._path, self._speed):
                steps_log.rewind(path, -1 if step is None else step)
        self._since = time.perf_counter()
        known = {item.group.prompt for item in trainer.train_dataset}
        self._trained_on = sum(item.group.prompt in known for item in self._probe)
        if step is None and self._probe:
            # The policy still is the reference; the first step's check vouches for that.
            scores = scored_at_reference(self._probe, trainer.task)
            self._write(trainer, "probe", 0, self._of_probe(scores))

    def stepped(self, trainer: GroupTrainer, done: int, logs: dict[str, Any]) -> None:
        """After an update: the step's record, and a probe when one is due."""
        total = int(trainer.state.max_steps)
        rates = {"learning_rate": logs["learning_rate"], "grad_norm": round(logs["grad_norm"], 6)}
        fields = {**record(trainer.take_scores()), **rates}
        self._write(trainer, "train", done - 1, fields)
        self._time(trainer, done - 1, fields["tokens"])
        self._teller.progress("train", done, total)
        if self._probe and (done % self._config.probe_every == 0 or done == total):
            with self._clock.phase("probe"):
                self._write(trainer, "probe", done, self._probed(trainer))
        self._since = time.perf_counter()

    def _time(self, trainer: GroupTrainer, step: int, tokens: int) -> None:
        """How fast a step was, beside the records, which hold no times."""
        seconds = time.perf_counter() - self._since
        line = {
            "split": "train",
            "step": step,
            "seconds": round(seconds, 3),
            "tokens_per_second": round(tokens / seconds, 1),
        }
        if trainer.world.main:
            steps_log.append(self._speed, line)
        self._teller.tell("speed", **line)

    def _probed(self, trainer: GroupTrainer) -> dict[str, Any]:
        """The probe set under the policy as it is."""
        world, total = trainer.world, len(self._probe)
        mine = share(total, total, self._config.prompts_per_batch, world.size, world.rank)
        parts = []
        with torch.no_grad():
            for turn, places in enumerate(mine, start=1):
                items = [self._probe[place] for place in places]
                parts.append(scored(trainer.model, items, trainer.task, trainer.idle)[1])
                done = turn * world.size * self._config.prompts_per_batch
                self._teller.progress("probe", min(total, done), total)
        return self._of_probe(joined(world.gathered(parts)))

    def _of_probe(self, scores: Scores) -> dict[str, Any]:
        return {**record(scores), "trained_on": self._trained_on}

    def _write(self, trainer: GroupTrainer, split: str, step: int, fields: dict[str, Any]) -> None:
        line = {"split": split, "step": step, **fields}
        if trainer.world.main:
            steps_log.append(self._path, line)
        self._teller.tell("log", **line)
        self._warn(split, step, fields["logratio_best"])

    def _warn(self, split: str, step: int, best: float | None) -> None:
        """Say once that good responses became much less likely; by the probe where there is one."""
        judged = "probe" if self._probe else "train"
        if self._warned or split != judged or best is None or best >= -FALL:
            return
        self._warned = True
        self._teller.tell(
            "note", text=_FALLEN.format(step=step, split=split, lost=-best, fall=FALL)
        )

"""The records and events of a run.

`steps.jsonl` has one record for every step and one for every probe. `speed.jsonl` beside it has the
speed of every step, so that records hold no times. Both are emitted as events too.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from train.model.files import write_text
from train.trainer.batch_loss import Item, score_at_reference, score_batch
from train.trainer.distributed import micro_batches
from train.trainer.metrics import BatchScores, concatenate, summarise
from train.trainer.trainer import GroupTrainer

#: A receiver of the events of a run, in the run's own thread; an exception in it ends the run.
#: The events are JSON-able:
#: {"event": "data", "split": "train" | "probe", ...train.data.prepare.Counts}
#: {"event": "progress", "phase": "reference" | "train" | "probe", "done": int, "total": int}
#: {"event": "log", "split": "train" | "probe", "step": int, ...metrics}
#: {"event": "speed", "split": "train", "step": int, "seconds": float, "tokens_per_second": float}
#: {"event": "note", "text": str}
Callback = Callable[[Mapping[str, Any]], None]
#: A function that sends an event, by its name and fields, to all callbacks.
Emit = Callable[..., None]

#: Nats that the best responses may lose on average before a warning is emitted.
FALL = 10.0
_FALLEN = (
    "warning: step {step}: the best responses of the {split} prompts lost {lost:.1f} nats against "
    "the reference on average (more than {fall:.0f}): good and bad responses sink together; "
    "consider nca, a lower learning_rate or a larger beta"
)


@contextmanager
def count_seconds(seconds: dict[str, float], phase: str) -> Iterator[None]:
    """Add the seconds within to those of a phase of the run."""
    began = time.perf_counter()
    yield
    seconds[phase] = seconds.get(phase, 0.0) + time.perf_counter() - began


@dataclass(eq=False)
class Recorder(TrainerCallback):  # type: ignore[misc]  # transformers is untyped here
    """Writes and emits the records of steps and probes.

    Records are labelled with the updates made before: the first step is 0, and so is the probe
    before it. Of several processes all call it and the main one writes.
    """

    trainer: GroupTrainer
    probe: Sequence[Item]
    emit: Emit
    seconds: dict[str, float]  # of each phase of the run
    _trained_on: int = 0  # prompts of the probe that are trained on
    _since: float = 0.0  # the end of the last step, on the clock of `time.perf_counter`
    _warned: bool = False

    def begin(self, step: int | None) -> None:
        """Prepare the files for a run that resumes at `step` (None: a fresh run, probed at 0)."""
        if self.trainer.processes.main:
            for name in ("steps.jsonl", "speed.jsonl"):
                _rewind(self.trainer.job.out / name, -1 if step is None else step)
        self._since = time.perf_counter()
        trained = {item.group.prompt for item in self.trainer.train_dataset}
        self._trained_on = sum(item.group.prompt in trained for item in self.probe)
        if step is None and self.probe:
            # The policy still is the reference, as the check in the first step makes sure.
            self._record_probe(0, score_at_reference(self.probe, self.trainer.loss_settings))

    def on_log(self, args: Any, state: Any, control: Any, **more: Any) -> None:  # noqa: ARG002
        """Record a finished step before its state is saved, and a probe when one is due."""
        logs = more["logs"]
        if "grad_norm" not in logs:
            return
        done, total = int(state.global_step), int(state.max_steps)
        rates = {"learning_rate": logs["learning_rate"], "grad_norm": round(logs["grad_norm"], 6)}
        fields = {**summarise(self.trainer.take_scores()), **rates}
        self._record("train", done - 1, fields)
        seconds = time.perf_counter() - self._since
        rate = round(fields["tokens"] / seconds, 1)
        speed = {"seconds": round(seconds, 3), "tokens_per_second": rate}
        self._write("speed.jsonl", "speed", {"split": "train", "step": done - 1, **speed})
        self.emit("progress", phase="train", done=done, total=total)
        if self.probe and (done % self.trainer.job.config.probe_every == 0 or done == total):
            with count_seconds(self.seconds, "probe"):
                self._record_probe(done, self._score_probe())
        self._since = time.perf_counter()

    def _score_probe(self) -> BatchScores:
        trainer, parts, total = self.trainer, [], len(self.probe)
        processes, size = trainer.processes, self.trainer.job.config.prompts_per_batch
        with torch.no_grad():
            for places in micro_batches(total, total, size, processes):
                items = [self.probe[place] for place in places]
                _, scores = score_batch(trainer.model, items, trainer.loss_settings, trainer.idle)
                parts.append(scores)
                done = min(total, len(parts) * processes.size * size)
                self.emit("progress", phase="probe", done=done, total=total)
        return concatenate(processes.gather(parts))

    def _record_probe(self, step: int, scores: BatchScores) -> None:
        self._record("probe", step, {**summarise(scores), "trained_on": self._trained_on})

    def _record(self, split: str, step: int, fields: dict[str, Any]) -> None:
        """Record metrics; warn once of a fall of good responses, by the probe if there is one."""
        self._write("steps.jsonl", "log", {"split": split, "step": step, **fields})
        judged, best = "probe" if self.probe else "train", fields["logratio_best"]
        if not self._warned and split == judged and best is not None and best < -FALL:
            self._warned = True
            text = _FALLEN.format(step=step, split=split, lost=-best, fall=FALL)
            self.emit("note", text=text)

    def _write(self, file: str, event: str, line: Mapping[str, Any]) -> None:
        if self.trainer.processes.main:
            with (self.trainer.job.out / file).open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(line) + "\n")
        self.emit(event, **line)


def _rewind(path: Path, step: int) -> None:
    """Drop the records that a run resumed at `step` will write again, and a torn last line.

    A train record is labelled with the updates made before it, a probe record with those made
    when it was scored: at `step`, the probe has been recorded and the train record not.
    """
    lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.is_file() else []
    last = {"probe": step, "train": step - 1}
    records = [json.loads(line) for line in lines]
    kept = [record for record in records if record["step"] <= last[record["split"]]]
    write_text(path, "".join(json.dumps(record) + "\n" for record in kept))

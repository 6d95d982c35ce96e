"""A training run, from a job to a checkpoint folder. It may be killed and started again.

    prepare data -> load base -> reference log-probabilities -> attach adapter -> train -> save

`job.out` receives `steps.jsonl` (records), `speed.jsonl` and `timing.json` (seconds of steps and
phases), `summary.json` (counts), `checkpoint/`, and `state/` while the run is unfinished.
"""

import hashlib
import json
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from transformers import TrainerCallback
from transformers.utils import logging as transformers_logging

from train.config import TrainConfig, TrainJob
from train.data.prepare import Counts, Prepared, prepare
from train.model import loading
from train.model.adapters import adopt_adapter, tokenizer_folder
from train.model.files import fingerprint_on, raise_on_full_disk, write_text
from train.model.logprobs import Form, attention_kernel, choose_form
from train.objectives.registry import configure_loss
from train.trainer.batch_loss import Item, LossSettings, tolerance
from train.trainer.distributed import (
    Processes,
    check_processes,
    join,
    raise_on_lost_process,
    sharding,
    training_order,
)
from train.trainer.recorder import Callback, Emit, Recorder, count_seconds
from train.trainer.reference import ReferenceReport, ReferenceSource, reference_logps
from train.trainer.trainer import GroupTrainer

#: The file among the saved states that names the run to which they belong.
_IDENTITY = "job.txt"


@dataclass(frozen=True, slots=True)
class TrainResult:
    """The outcome of a finished run."""

    checkpoint: Path  # the checkpoint folder
    steps: int  # optimiser steps of the whole run
    resumed_at: int | None  # the step at which this process resumed; None for a fresh start
    form: Form  # the form in which log-probabilities were computed
    reference: ReferenceReport  # responses whose reference was computed or read from disk
    train: Counts  # counts of the training data
    probe: Counts | None  # counts of the probe data; None without


def run(job: TrainJob, callbacks: Sequence[Callback] = ()) -> TrainResult:
    """Train one checkpoint, or finish an interrupted run of the same job from its last saved state.

    Of several processes (`accelerate launch`, torchrun) each calls it with the same job, and
    `train.trainer.distributed.leave` before it ends; the main one writes and emits events, which
    `callbacks` receive (`train.trainer.recorder.Callback`).

    Raises:
        DataError: the data is missing or malformed.
        TrainError: the run cannot start or go on.
        ProcessLostError: another process of this run is gone.
        OSError: a file cannot be written; `ENOSPC` where the disk is full.
        KeyboardInterrupt: Ctrl-C; the state after the step in progress is saved.
    """
    transformers_logging.disable_progress_bar()  # progress is emitted as events
    with raise_on_full_disk(job.out, job.cache):
        processes = join()

        def emit(event: str, **fields: Any) -> None:
            for callback in callbacks if processes.main else ():
                callback({"event": event, **fields})

        with raise_on_lost_process(processes):
            check_processes(job.config, processes.size)
            return _run(job, emit, processes)


def _run(job: TrainJob, emit: Emit, processes: Processes) -> TrainResult:
    if job.adapter is not None:
        job = job.model_copy(update={"config": adopt_adapter(job.config, job.adapter)})
    seconds, config = dict[str, float](), job.config
    loss = configure_loss(config)  # before the data: a wrong method or setting is found at once
    loading.require_backend(config)
    tokenizer = loading.load_tokenizer(tokenizer_folder(job.base, job.adapter))
    data = prepare(config, tokenizer)
    emit("data", split="train", **asdict(data.counts))
    if data.probe_counts is not None:
        emit("data", split="probe", **asdict(data.probe_counts))
    job.out.mkdir(parents=True, exist_ok=True)
    weights = fingerprint_on(job.base, job.adapter, job.cache / "fingerprints.json")
    model = loading.load_reference(job)
    form = processes.broadcast(choose_form(model, (*data.train, *data.probe), config.form))
    source = ReferenceSource(weights, loading.number_format(config), attention_kernel(model), form)
    with count_seconds(seconds, "reference"):
        items, probe, report = _with_reference(model, data, source, job, emit, processes)
    first = [item.group for item in items[: config.prompts_per_step]]
    allowed = tolerance(model, first, form, config.dtype, config.prompts_per_batch)
    policy = loading.attach(model, config.lora, config.seed)
    trainer = GroupTrainer(policy, job, items, LossSettings(loss, form, allowed), processes)
    recorder = Recorder(trainer, probe, emit, seconds)
    with count_seconds(seconds, "train"):
        resumed = _train(trainer, recorder, job.out / "state", _identity(config, weights, data))
    trained, steps = trainer.full_weights(), int(trainer.state.global_step)
    counts = (data.counts, data.probe_counts)
    result = TrainResult(job.out / "checkpoint", steps, resumed, form, report, *counts)
    if processes.main:
        loading.save_checkpoint(policy, tokenizer, result.checkpoint, trained)
        rounded = {name: round(value, 3) for name, value in seconds.items()}
        summary = {**asdict(result), "checkpoint": result.checkpoint.name}
        write_text(job.out / "summary.json", json.dumps(summary, indent=1) + "\n")
        write_text(job.out / "timing.json", json.dumps({"seconds": rounded}, indent=1) + "\n")
        shutil.rmtree(job.out / "state")
    return result


def _with_reference(
    model: Any,
    data: Prepared,
    source: ReferenceSource,
    job: TrainJob,
    emit: Emit,
    processes: Processes,
) -> tuple[list[Item], list[Item], ReferenceReport]:
    """Add the reference to the items of the whole run, in the order of training, and of the probe.

    A run that ends before it has seen all the data needs no reference of the rest.
    """
    order = training_order([group.size for group in data.train], job.config)
    used = sorted(set(order))
    groups = (*(data.train[index] for index in used), *data.probe)

    def progress(done: int, total: int) -> None:
        emit("progress", phase="reference", done=done, total=total)

    size = job.config.prompts_per_batch
    logps, report = reference_logps(model, groups, source, job.cache, size, progress, processes)
    items = [Item(group, values) for group, values in zip(groups, logps, strict=True)]
    trained = dict(zip(used, items, strict=False))
    return [trained[index] for index in order], items[len(used) :], report


def _train(trainer: GroupTrainer, recorder: Recorder, state: Path, identity: str) -> int | None:
    """Train to the end, and return the step at which the run resumed."""
    processes = trainer.processes
    last = processes.broadcast(_find_last_state(state, identity) if processes.main else None)
    folder, step = last or (None, None)
    recorder.begin(step)
    trainer.add_callback(recorder)
    with _deferred_interrupt() as interrupted:
        trainer.add_callback(_StopOnRequest(interrupted, processes))
        trainer.train(resume_from_checkpoint=str(folder) if folder else None)
        if trainer.state.global_step < trainer.state.max_steps:
            raise KeyboardInterrupt
    return step


@dataclass(eq=False)
class _StopOnRequest(TrainerCallback):  # type: ignore[misc]  # transformers is untyped here
    """Stops the run after a step, with its state saved, where it was requested in any process."""

    requested: Callable[[], bool]
    processes: Processes

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        # A signal reaches processes at different steps.
        if any(self.processes.gather([self.requested()])):
            control.should_save = control.should_training_stop = True


def _find_last_state(folder: Path, identity: str) -> tuple[Path, int] | None:
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
    states = {int(state.name.rpartition("-")[2]): state for state in folder.glob("checkpoint-*")}
    for step, state in sorted(states.items()):
        try:  # the Trainer writes trainer_state.json last
            saved = json.loads((state / "trainer_state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            saved = {}
        if saved and saved["global_step"] == step:
            last = (state, step)
        else:
            shutil.rmtree(state)
    return last


@contextmanager
def _deferred_interrupt() -> Iterator[Callable[[], bool]]:
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


def _identity(config: TrainConfig, weights: str, data: Prepared) -> str:
    """Hash everything that a saved state is bound to: settings, base, data and sharding."""
    settings = config.model_dump(mode="json", exclude={"data", "probe", "checkpoint_activations"})
    # Saved states are bound to this text: the repr of `TokenGroup` must not change.
    tokens = hashlib.sha256(repr((data.train, data.probe)).encode()).hexdigest()
    bound = json.dumps([settings, weights, tokens, sharding()], sort_keys=True)
    return hashlib.sha256(bound.encode()).hexdigest()

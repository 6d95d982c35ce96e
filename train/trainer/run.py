"""One training run, from a job to a checkpoint folder. It may be killed and started again.

    prepare data -> load base -> reference log-probabilities -> attach adapter -> train -> save

`job.out` receives `steps.jsonl` (records), `summary.json` (counts), `timing.json` (seconds),
`checkpoint/`, and `state/` while the run is unfinished.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from transformers.utils import logging as transformers_logging

from train.config import TrainConfig, TrainJob
from train.data.prepare import Counts, Prepared, prepare
from train.data.tokens import TokenGroup
from train.model import loading as models
from train.model.adapters import adopt_adapter, tokenizer_folder
from train.model.disk import raise_on_full_disk
from train.model.fingerprint import fingerprint_on
from train.model.logprobs import Form, attention_kernel, choose_form
from train.model.quantisation import number_format, require_backend
from train.objectives.registry import configure_loss
from train.trainer.batch_loss import Item, Task
from train.trainer.distributed import Processes, join, raise_on_lost_process, sharding
from train.trainer.events import Callback, EventEmitter
from train.trainer.interrupt import asked_to_stop
from train.trainer.recorder import Clock, Recorder
from train.trainer.reference import ReferenceReport, ReferenceSource, reference_logps
from train.trainer.reference_check import tolerance
from train.trainer.schedule import check_processes, total_prompts, training_order
from train.trainer.state import last_state
from train.trainer.trainer import GroupTrainer, StepReporter

__all__ = ["Callback", "TrainResult", "run"]


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What a finished run did.

    Attributes:
        checkpoint: the checkpoint folder.
        steps: optimiser steps of the whole run.
        resumed_at: the step that this process went on from; None for a fresh start.
        form: how log-probabilities were computed.
        reference: responses whose reference was computed or found.
        train: counts of the training data.
        probe: counts of the probe data; None without.
    """

    checkpoint: Path
    steps: int
    resumed_at: int | None
    form: Form
    reference: ReferenceReport
    train: Counts
    probe: Counts | None


def run(job: TrainJob, callbacks: Sequence[Callback] = ()) -> TrainResult:
    """Train one checkpoint.

    A run of the same job that was interrupted goes on from its last saved state. Of several
    processes (`accelerate launch`, torchrun) each calls it with the same job, and
    `train.trainer.distributed.leave` before it ends; the main one writes and tells.

    Args:
        job: what to train, from what, and where to write.
        callbacks: hear the events of `train.trainer.events`.

    Raises:
        DataError: the data is missing or malformed.
        TrainError: the run cannot start or go on.
        ProcessLostError: another process of this run is gone.
        OSError: a file cannot be written; `ENOSPC` where the disk is full.
        KeyboardInterrupt: Ctrl-C; the state after the step in progress is saved.
    """
    _quiet()
    with raise_on_full_disk(job.out, job.cache):
        world = join()
        with raise_on_lost_process(world):
            check_processes(job.config, world.size)
            return _run(job, EventEmitter(callbacks if world.main else ()), world)


def _run(job: TrainJob, teller: EventEmitter, world: Processes) -> TrainResult:
    if job.adapter is not None:
        job = job.model_copy(update={"config": adopt_adapter(job.config, job.adapter)})
    clock, config = Clock(), job.config
    loss = configure_loss(config)  # an unknown method or setting costs no reading
    require_backend(config)
    tokenizer = models.load_tokenizer(tokenizer_folder(job.base, job.adapter))
    data = prepare(config, tokenizer)
    _tell_counts(teller, data)
    job.out.mkdir(parents=True, exist_ok=True)
    weights = fingerprint_on(job.base, job.adapter, job.cache / "fingerprints.json")
    model = models.load_reference(job)
    form = world.agreed(choose_form(model, (*data.train, *data.probe), config.form))
    source = ReferenceSource(weights, number_format(config), attention_kernel(model), form)
    with clock.phase("reference"):
        items, probe, report = _with_reference(model, data, source, job, teller, world)
    task = Task(loss, form, _allowed(model, items, form, config))
    policy = models.attach(model, config.lora, config.seed)
    trainer = GroupTrainer(policy, job, items, task, world)
    recorder = Recorder(job.out / "steps.jsonl", config, probe, teller, clock)
    with clock.phase("train"):
        resumed = _train(trainer, recorder, job.out / "state", _identity(config, weights, data))
    trained = trainer.full_weights()
    steps = int(trainer.state.global_step)
    result = TrainResult(
        job.out / "checkpoint", steps, resumed, form, report, data.counts, data.probe_counts
    )
    if world.main:
        models.save_checkpoint(policy, tokenizer, result.checkpoint, trained)
        _finish(job.out, result, clock)
    return result


def _with_reference(
    model: Any,
    data: Prepared,
    source: ReferenceSource,
    job: TrainJob,
    teller: EventEmitter,
    world: Processes,
) -> tuple[list[Item], list[Item], ReferenceReport]:
    """Items of the whole run in the order of training, and probe items, with their reference.

    A run that ends before it has seen all the data needs no reference of the rest.
    """
    order = _order(data.train, job.config)
    used = sorted(set(order))
    groups = (*(data.train[index] for index in used), *data.probe)

    def progress(done: int, total: int) -> None:
        teller.progress("reference", done, total)

    logps, report = reference_logps(
        model, groups, source, job.cache, job.config.prompts_per_batch, progress, world
    )
    items = [Item(group, values) for group, values in zip(groups, logps, strict=True)]
    trained = dict(zip(used, items, strict=False))
    return [trained[index] for index in order], items[len(used) :], report


def _order(groups: Sequence[TokenGroup], config: TrainConfig) -> tuple[int, ...]:
    total = total_prompts(len(groups), config.epochs, config.prompts_per_step, config.max_steps)
    sizes = [group.size for group in groups]
    return training_order(sizes, total, config.prompts_per_step, config.seed)


def _train(trainer: GroupTrainer, recorder: Recorder, state: Path, identity: str) -> int | None:
    """Train to the end; the step that the run went on from."""
    world = trainer.world
    found = world.agreed(last_state(state, identity) if world.main else None)
    folder, step = found or (None, None)
    recorder.begin(trainer, step)
    with asked_to_stop() as asked:

        def stepped(done: int, logs: dict[str, Any]) -> None:
            recorder.stepped(trainer, done, logs)

        def any_asked() -> bool:
            return any(world.gathered([asked()]))  # a signal reaches processes at different steps

        trainer.add_callback(StepReporter(stepped, any_asked))
        trainer.train(resume_from_checkpoint=str(folder) if folder else None)
        if trainer.state.global_step < trainer.state.max_steps:
            raise KeyboardInterrupt
    return step


def _allowed(model: Any, items: Sequence[Item], form: Form, config: TrainConfig) -> float:
    """How nearly the policy must be the reference in the first step."""
    groups = [item.group for item in items[: config.prompts_per_step]]
    return tolerance(model, groups, form, config.dtype, config.prompts_per_batch)


def _identity(config: TrainConfig, weights: str, data: Prepared) -> str:
    """What a saved state must belong to: settings, base, data and how weights are sharded."""
    settings = config.model_dump(mode="json", exclude={"data", "probe", "checkpoint_activations"})
    whole = json.dumps([settings, weights, data.digest(), sharding()], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()


def _tell_counts(teller: EventEmitter, data: Prepared) -> None:
    teller.tell("data", split="train", **asdict(data.counts))
    if data.probe_counts is not None:
        teller.tell("data", split="probe", **asdict(data.probe_counts))


def _finish(out: Path, result: TrainResult, clock: Clock) -> None:
    summary = asdict(result)
    _write(out / "summary.json", {**summary, "checkpoint": result.checkpoint.name})
    _write(out / "timing.json", {"seconds": {k: round(v, 3) for k, v in clock.seconds.items()}})
    shutil.rmtree(out / "state")


def _write(path: Path, value: Mapping[str, Any]) -> None:
    new = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    new.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    new.replace(path)


def _quiet() -> None:
    """No bars and no chatter of transformers: progress is told through events."""
    transformers_logging.disable_progress_bar()

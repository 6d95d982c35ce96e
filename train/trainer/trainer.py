"""transformers.Trainer over items: its loop, saving and resuming; our loss and our records."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from train.config import TrainConfig, TrainJob
from train.errors import TrainError
from train.trainer.batch_loss import Item, Task, scored
from train.trainer.distributed import Processes, sharding
from train.trainer.metrics import Scores, joined
from train.trainer.reference_check import check_start
from train.trainer.schedule import share

_SCHEDULES = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}


class GroupTrainer(Trainer):  # type: ignore[misc]  # transformers is untyped here
    """Trains on items in the order they come, the loss a mean over a step's prompts.

    Of several processes each has its share of every step (`train.trainer.schedule.share`). Before
    the first update of a run the policy must be the reference (`check_start`).
    """

    # compute_loss divides by the prompts of the whole step.
    loss_is_scaled_for_ga = True

    def __init__(
        self, model: Any, job: TrainJob, items: Sequence[Item], task: Task, world: Processes
    ) -> None:
        settings = arguments(job.config, job.out / "state", world.size)
        super().__init__(model=model, args=settings, train_dataset=list(items))
        self.remove_callback(PrinterCallback)
        self.task = task
        self.world = world
        self._config = job.config
        self._parts: list[Scores] = []
        self.idle = min(items, key=lambda item: item.group.size)

    def take_scores(self) -> Scores:
        """The numbers of the whole step: every process's micro-batches since the last call."""
        parts, self._parts = self._parts, []
        return joined(self.world.gathered(parts))

    def full_weights(self) -> dict[str, Tensor] | None:
        """The trained weights in one place, where processes hold pieces; None where each has all.

        All processes call it; the main one gets them.
        """
        if self.is_fsdp_enabled:
            from torch.distributed.checkpoint.state_dict import (
                StateDictOptions,
                get_model_state_dict,
            )

            wanted = StateDictOptions(
                full_state_dict=True, cpu_offload=True, ignore_frozen_params=True
            )
            weights = get_model_state_dict(self.model, options=wanted)
            # Gathered one by one, a tied head is a copy of the embedding; a checkpoint has one.
            tied = getattr(self.model, "all_tied_weights_keys", {})
            return {n: cast("Tensor", value) for n, value in weights.items() if n not in tied}
        if self.is_deepspeed_enabled:
            return dict(self.accelerator.get_state_dict(self.model_wrapped))
        return None

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,  # noqa: ARG002 - the base's signature
        num_items_in_batch: int | None = None,
    ) -> Tensor:
        """The micro-batch's share of the step's mean loss.

        With W processes and N prompts in the step, process w's micro-batches sum to
        `W * (losses of w) / N`. DDP, FSDP and DeepSpeed average gradients over processes, which
        gives `(1 / W) * sum_w W * (losses of w) / N`: the mean over the step's prompts, as with
        one process, whatever share of a last step each has.
        """
        items = inputs["items"]
        losses, scores = scored(model, items, self.task, self.idle)
        if self.state.global_step == 0:
            # Several processes would have to ask the policy together.
            check_start(model if self.world.size == 1 else None, scores, items, self.task)
        if not bool(torch.isfinite(losses).all()):
            raise TrainError(
                f"step {self.state.global_step}: the loss is not finite; lower learning_rate"
            )
        self._parts.append(scores)
        return losses.sum() * self.world.size / (num_items_in_batch or len(items))

    def get_batch_samples(
        self,
        epoch_iterator: Iterator[Any],
        num_batches: int,
        device: torch.device,  # noqa: ARG002
    ) -> tuple[list[Any], int]:
        """This process's micro-batches of a step, and the prompts of all processes in it."""
        done = self.state.global_step * self._config.prompts_per_step
        left = len(self.train_dataset) - done
        batches = list(itertools.islice(epoch_iterator, num_batches))
        return batches, min(left, self._config.prompts_per_step)

    def get_train_dataloader(self) -> DataLoader[Item]:
        """This process's micro-batches; accelerate's own split would repeat prompts at the end."""
        config, world = self._config, self.world
        mine = share(
            len(self.train_dataset),
            config.prompts_per_step,
            config.prompts_per_batch,
            world.size,
            world.rank,
        )
        return DataLoader(
            self.train_dataset,
            batch_sampler=[list(places) for places in mine],
            collate_fn=_collate,
        )

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:  # noqa: ARG002
        """Not counted: the base would look for token ids in the inputs."""
        return 0

    def create_accelerator_and_postprocess(self) -> None:
        """As the base does; on CPUs too FSDP is used where it was asked for."""
        super().create_accelerator_and_postprocess()
        if sharding() == "fsdp" and self.args.use_cpu:
            from accelerate import DistributedType, FullyShardedDataParallelPlugin

            # accelerate reads the FSDP configuration and then takes it up on accelerators only.
            self.accelerator.state.distributed_type = DistributedType.FSDP
            self.accelerator.state.fsdp_plugin = FullyShardedDataParallelPlugin()
            self.is_fsdp_enabled = True


class StepReporter(TrainerCallback):  # type: ignore[misc]  # transformers is untyped here
    """Tells of every finished step, and stops the run when asked to.

    Args:
        trained: told the updates made, and what the Trainer logs of the step (learning rate,
            gradient norm).
        stop: whether the run has been asked to stop, the same for all processes; its state is
            saved first.
    """

    def __init__(
        self, trained: Callable[[int, dict[str, Any]], None], stop: Callable[[], bool]
    ) -> None:
        self._trained = trained
        self._stop = stop

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Save and stop, when asked to."""
        if self._stop():
            control.should_save = control.should_training_stop = True

    def on_log(self, args: Any, state: Any, control: Any, **more: Any) -> None:  # noqa: ARG002
        """A finished step; this comes before its state is saved."""
        if "grad_norm" in more["logs"]:
            self._trained(int(state.global_step), more["logs"])


def arguments(config: TrainConfig, state: Path, processes: int = 1) -> TrainingArguments:
    """The Trainer's settings for a config; states go to `state`."""
    gpu = torch.cuda.is_available()
    together = processes * config.prompts_per_batch
    return TrainingArguments(
        output_dir=str(state),
        per_device_train_batch_size=config.prompts_per_batch,
        gradient_accumulation_steps=config.prompts_per_step // together,
        num_train_epochs=1,  # the items are all epochs' in order
        learning_rate=config.learning_rate,
        lr_scheduler_type=_SCHEDULES[config.schedule],
        warmup_steps=config.warmup,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=config.save_every,
        save_total_limit=1,
        report_to="none",
        disable_tqdm=True,
        use_cpu=not gpu,
        dataloader_pin_memory=gpu,
        remove_unused_columns=False,
        seed=config.seed,
        ddp_find_unused_parameters=False,  # every trained weight is used for every token
        gradient_checkpointing=config.checkpoint_activations,
        # The reentrant kind loses the gradient where the inputs need none, as under LoRA.
        gradient_checkpointing_kwargs={"use_reentrant": False},
    )


def _collate(items: list[Item]) -> dict[str, list[Item]]:
    return {"items": items}

"""The transformers.Trainer of a run, with our loss, our order of prompts and our records."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainingArguments

from train.config import TrainConfig, TrainJob
from train.errors import TrainError
from train.trainer.batch_loss import Item, LossSettings, check_against_reference, score_batch
from train.trainer.distributed import Processes, micro_batches, sharding
from train.trainer.metrics import BatchScores, concatenate


class GroupTrainer(Trainer):  # type: ignore[misc]  # transformers is untyped here
    """Trains on items in the order they come, the loss a mean over a step's prompts.

    Of several processes each has its share of every step (`micro_batches`). Before the first update
    of a run the policy must be the reference (`check_against_reference`).
    """

    # compute_loss divides by the prompts of the whole step.
    loss_is_scaled_for_ga = True

    def __init__(
        self,
        model: Any,
        job: TrainJob,
        items: Sequence[Item],
        loss_settings: LossSettings,
        processes: Processes,
    ) -> None:
        arguments = training_arguments(job.config, job.out / "state", processes.size)
        super().__init__(model=model, args=arguments, train_dataset=list(items))
        self.remove_callback(PrinterCallback)
        self.loss_settings = loss_settings
        self.processes = processes
        self.job = job
        self._parts: list[BatchScores] = []
        self.idle = min(items, key=lambda item: item.group.size)

    def take_scores(self) -> BatchScores:
        """Return the scores of all processes' micro-batches since the last call."""
        parts, self._parts = self._parts, []
        return concatenate(self.processes.gather(parts))

    def full_weights(self) -> dict[str, Tensor] | None:
        """Gather sharded weights in the main process, all calling it; None where all have them."""
        if self.is_deepspeed_enabled:
            return dict(self.accelerator.get_state_dict(self.model_wrapped))
        if not self.is_fsdp_enabled:
            return None
        from torch.distributed.checkpoint import state_dict

        options = state_dict.StateDictOptions(
            full_state_dict=True, cpu_offload=True, ignore_frozen_params=True
        )
        weights = state_dict.get_model_state_dict(self.model, options=options)
        # Gathered one by one, a tied head is a copy of the embedding; a checkpoint has one.
        tied = getattr(self.model, "all_tied_weights_keys", {})
        return {n: cast("Tensor", value) for n, value in weights.items() if n not in tied}

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,  # noqa: ARG002 - the base's signature
        num_items_in_batch: int | None = None,
    ) -> Tensor:
        """Compute the micro-batch's share of the step's mean loss.

        With W processes and N prompts in the step, process w's micro-batches sum to
        `W * (losses of w) / N`. DDP, FSDP and DeepSpeed average gradients over processes, which
        gives `(1 / W) * sum_w W * (losses of w) / N`: the mean over the step's prompts, as with
        one process, whatever share of a last step each has.
        """
        items = inputs["items"]
        losses, scores = score_batch(model, items, self.loss_settings, self.idle)
        if self.state.global_step == 0:
            # Several processes would have to run the policy together.
            policy = model if self.processes.size == 1 else None
            check_against_reference(policy, scores, items, self.loss_settings)
        if not bool(torch.isfinite(losses).all()):
            raise TrainError(
                f"step {self.state.global_step}: the loss is not finite; lower learning_rate"
            )
        self._parts.append(scores)
        return losses.sum() * self.processes.size / (num_items_in_batch or len(items))

    def get_batch_samples(
        self, epoch_iterator: Iterator[Any], num_batches: int, *_: Any
    ) -> tuple[list[Any], int]:
        """Return this process's micro-batches of a step, and the step's number of prompts."""
        size = self.job.config.prompts_per_step
        left = len(self.train_dataset) - self.state.global_step * size
        return list(itertools.islice(epoch_iterator, num_batches)), min(left, size)

    def get_train_dataloader(self) -> DataLoader[Item]:
        """Load this process's micro-batches; accelerate's split would repeat prompts at the end."""
        total, config = len(self.train_dataset), self.job.config
        batches = micro_batches(
            total, config.prompts_per_step, config.prompts_per_batch, self.processes
        )
        return DataLoader(
            self.train_dataset,
            batch_sampler=[list(places) for places in batches],
            collate_fn=lambda batch: {"items": batch},
        )

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:  # noqa: ARG002
        """Return 0: the base would look for token ids in the inputs."""
        return 0

    def create_accelerator_and_postprocess(self) -> None:
        """Do as the base does, but use FSDP on CPUs too, where it is configured."""
        super().create_accelerator_and_postprocess()
        if sharding() == "fsdp" and self.args.use_cpu:
            from accelerate import DistributedType, FullyShardedDataParallelPlugin

            # accelerate reads the FSDP configuration and then applies it on accelerators only.
            self.accelerator.state.distributed_type = DistributedType.FSDP
            self.accelerator.state.fsdp_plugin = FullyShardedDataParallelPlugin()
            self.is_fsdp_enabled = True


def training_arguments(config: TrainConfig, state: Path, processes: int = 1) -> TrainingArguments:
    """Return the Trainer's settings for a config, with states saved in the folder `state`."""
    gpu, schedule = torch.cuda.is_available(), config.schedule
    together = processes * config.prompts_per_batch
    return TrainingArguments(
        output_dir=str(state),
        per_device_train_batch_size=config.prompts_per_batch,
        gradient_accumulation_steps=config.prompts_per_step // together,
        num_train_epochs=1,  # the items are those of all epochs in order
        learning_rate=config.learning_rate,
        lr_scheduler_type="constant_with_warmup" if schedule == "constant" else schedule,
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

"""transformers.Trainer over items: its loop, saving and resuming; our loss and our records."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import SequentialSampler
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from train.config import TrainConfig
from train.errors import TrainError
from train.metrics import Scores, joined
from train.scoring import Item, Task, check_start, scored

_SCHEDULES = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}


class GroupTrainer(Trainer):  # type: ignore[misc]  # transformers is untyped here
    """Trains on items in the order they come, the loss a mean over a step's prompts.

    Before the first update of a run the policy must be the reference (`check_start`).
    """

    # compute_loss divides by the prompts of the whole accumulated batch.
    loss_is_scaled_for_ga = True

    def __init__(
        self, model: Any, args: TrainingArguments, items: Sequence[Item], task: Task, dtype: str
    ) -> None:
        super().__init__(model=model, args=args, train_dataset=list(items), data_collator=_collate)
        self.remove_callback(PrinterCallback)
        self.task = task
        self._dtype = dtype
        self._parts: list[Scores] = []

    def take_scores(self) -> Scores:
        """The numbers of all micro-batches since the last call."""
        parts, self._parts = self._parts, []
        return joined(parts)

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,  # noqa: ARG002 - the base's signature
        num_items_in_batch: int | None = None,
    ) -> Tensor:
        """The micro-batch's share of the step's mean loss."""
        items = inputs["items"]
        losses, scores = scored(model, items, self.task)
        if self.state.global_step == 0:
            check_start(scores, items, self._dtype)
        if not bool(torch.isfinite(losses).all()):
            raise TrainError(
                f"step {self.state.global_step}: the loss is not finite; lower learning_rate"
            )
        self._parts.append(scores)
        return losses.sum() / (num_items_in_batch or len(items))

    def get_batch_samples(
        self,
        epoch_iterator: Iterator[Any],
        num_batches: int,
        device: torch.device,  # noqa: ARG002
    ) -> tuple[list[Any], int]:
        """The micro-batches of a step and its number of prompts."""
        batches = list(itertools.islice(epoch_iterator, num_batches))
        return batches, sum(len(batch["items"]) for batch in batches)

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:  # noqa: ARG002
        """Not counted: the base would look for token ids in the inputs."""
        return 0

    def _get_train_sampler(self, train_dataset: Any = None) -> SequentialSampler:
        return SequentialSampler(train_dataset or self.train_dataset)


class StepReporter(TrainerCallback):  # type: ignore[misc]  # transformers is untyped here
    """Tells of every finished step, and stops the run when asked to.

    Args:
        trained: told the updates made, and what the Trainer logs of the step (learning rate,
            gradient norm).
        stop: whether the run has been asked to stop; its state is saved first.
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


def arguments(config: TrainConfig, state: Path) -> TrainingArguments:
    """The Trainer's settings for a config; states go to `state`."""
    gpu = torch.cuda.is_available()
    return TrainingArguments(
        output_dir=str(state),
        per_device_train_batch_size=config.prompts_per_batch,
        gradient_accumulation_steps=config.prompts_per_step // config.prompts_per_batch,
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
    )


def _collate(items: list[Item]) -> dict[str, list[Item]]:
    return {"items": items}

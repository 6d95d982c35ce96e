"""Ways of computing the same training steps, each started as a process of its own.

    python -m benchmarks.train_contestants NAME --model DIR --data FILE --responses K ...

All train all weights of the model in fp32 with the same fused AdamW and gradient clipping, two
prompts a step, no activation checkpointing, nothing logged.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import SequentialSampler
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback

from benchmarks.train_problem import problem
from benchmarks.turns import Gate, Stops
from train.config import TrainConfig, TrainJob
from train.data.tokens import TokenGroup
from train.model.logprobs import logprobs
from train.objectives.registry import objective
from train.trainer.batch_loss import Item, LossSettings
from train.trainer.distributed import SINGLE_PROCESS
from train.trainer.trainer import GroupTrainer

PROMPTS_PER_STEP = 2
RATE = 1e-6
BETA = 0.1


@dataclass(frozen=True, slots=True)
class Setting:
    """What a contestant trains: the model's folder, its prompts, and where it waits."""

    model: Path
    groups: list[TokenGroup]
    gate: Stops

    @property
    def steps(self) -> list[list[TokenGroup]]:
        """The prompts of each step."""
        starts = range(0, len(self.groups), PROMPTS_PER_STEP)
        return [self.groups[start : start + PROMPTS_PER_STEP] for start in starts]

    def load(self) -> Any:
        """A fresh copy of the model."""
        return AutoModelForCausalLM.from_pretrained(self.model, dtype=torch.float32)


def tree(setting: Setting) -> None:
    """Our log-probabilities in a bare loop, the reference known."""
    _loop(setting, lambda model, groups: logprobs(model, groups, "tree")[0])


def tree_with_reference(setting: Setting) -> None:
    """As `tree`, and the reference computed for every step: the first run of a sweep."""
    reference = setting.load()

    def computed(model: Any, groups: Sequence[TokenGroup]) -> Tensor:
        with torch.no_grad():
            logprobs(reference, groups, "tree")
        return logprobs(model, groups, "tree")[0]

    _loop(setting, computed)


def padded(setting: Setting) -> None:
    """What one writes first: a padded row a response, all logits, the reference known."""
    _loop(setting, _all_logits)


def _all_logits(model: Any, groups: Sequence[TokenGroup]) -> Tensor:
    rows = [group.prompt + response for group in groups for response in group.responses]
    length = max(map(len, rows))
    ids = torch.tensor([[*row, *[0] * (length - len(row))] for row in rows])
    there = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows])
    answer = there.clone()
    prompts = [len(group.prompt) for group in groups for _ in group.responses]
    for row, prompt in enumerate(prompts):
        answer[row, :prompt] = 0
    logits = model(input_ids=ids, attention_mask=there, use_cache=False).logits[:, :-1]
    tokens = logits.log_softmax(-1).gather(2, ids[:, 1:, None]).squeeze(2)
    return (tokens * answer[:, 1:]).sum(1).view(len(groups), -1)


def _loop(setting: Setting, compute: Callable[[Any, Sequence[TokenGroup]], Tensor]) -> None:
    model = setting.load().train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, fused=True)
    loss = objective("nca", beta=BETA, alpha=1.0)

    def backward(groups: Sequence[TokenGroup]) -> None:
        # A function, for a graph that lives on into the next step scatters the memory it had.
        logps = compute(model, groups)
        rewards = torch.tensor([group.rewards for group in groups])
        mask = torch.ones_like(rewards, dtype=torch.bool)
        loss(logps, logps.detach(), rewards, mask).loss.backward()

    for groups in setting.steps:
        setting.gate.begin()
        backward(groups)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
        setting.gate.end()


class _InTurn(TrainerCallback):  # type: ignore[misc]  # transformers is untyped here
    def __init__(self, gate: Stops) -> None:
        self._gate = gate

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        self._gate.begin()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self._gate.end()


def trainer(setting: Setting) -> None:
    """Our Trainer, as `nca` runs it, the reference known."""
    model = setting.load()
    config = TrainConfig(
        data=Path("none"),
        prompts_per_step=PROMPTS_PER_STEP,
        prompts_per_batch=PROMPTS_PER_STEP,
        lora=None,
        learning_rate=RATE,
        save_every=10**6,
    )
    items = _with_reference(model, setting)
    with tempfile.TemporaryDirectory() as folder:
        job = TrainJob(base=setting.model, out=Path(folder), cache=Path(folder), config=config)
        settings = LossSettings(objective("nca", beta=BETA, alpha=1.0), "tree")
        ours = GroupTrainer(model, job, items, settings, SINGLE_PROCESS)
        ours.add_callback(_InTurn(setting.gate))
        ours.train()


def _with_reference(model: Any, setting: Setting) -> list[Item]:
    items = []
    for groups in setting.steps:
        with torch.no_grad():
            sums, _ = logprobs(model, groups, "tree")
        items += [Item(g, tuple(row)) for g, row in zip(groups, sums.tolist(), strict=True)]
    return items


def trl(setting: Setting) -> None:
    """TRL's DPOTrainer, the reference computed at every step."""
    _trl(setting, precomputed=False)


def trl_precomputed(setting: Setting) -> None:
    """TRL's DPOTrainer with `precompute_ref_log_probs`."""
    _trl(setting, precomputed=True)


def _trl(setting: Setting, *, precomputed: bool) -> None:
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    class Tokens(DPOTrainer):  # type: ignore[misc]  # trl is untyped here
        """Takes token ids as they are, in their order."""

        def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
            return dataset

        def _get_train_sampler(self, train_dataset: Any = None) -> SequentialSampler:
            return SequentialSampler(train_dataset or self.train_dataset)

    pairs = _disjoint_pairs(setting.groups)
    with tempfile.TemporaryDirectory() as folder:
        theirs = Tokens(
            model=str(setting.model),
            args=DPOConfig(
                output_dir=folder,
                beta=BETA,
                learning_rate=RATE,
                per_device_train_batch_size=len(pairs) * PROMPTS_PER_STEP // len(setting.groups),
                num_train_epochs=1,
                precompute_ref_log_probs=precomputed,
                gradient_checkpointing=False,
                bf16=False,
                optim="adamw_torch_fused",
                max_length=None,
                logging_steps=10**6,
                save_strategy="no",
                report_to="none",
                use_cpu=True,
                disable_tqdm=True,
                model_init_kwargs={"dtype": "float32"},
            ),
            train_dataset=Dataset.from_list(pairs),
            processing_class=AutoTokenizer.from_pretrained(setting.model),
        )
        theirs.add_callback(_InTurn(setting.gate))
        theirs.train()


def _disjoint_pairs(groups: Sequence[TokenGroup]) -> list[dict[str, list[int]]]:
    """Each response once: the first with the second, the third with the fourth."""
    return [
        {
            "prompt_ids": list(group.prompt),
            "chosen_ids": list(group.responses[place]),
            "rejected_ids": list(group.responses[place + 1]),
        }
        for group in groups
        for place in range(0, len(group.responses), 2)
    ]


CONTESTANTS: dict[str, Callable[[Setting], None]] = {
    "trl": trl,
    "trl_precomputed": trl_precomputed,
    "padded": padded,
    "tree": tree,
    "tree_with_reference": tree_with_reference,
    "trainer": trainer,
}


def main() -> None:
    """Run one contestant."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=sorted(CONTESTANTS))
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--responses", type=int, required=True)
    parser.add_argument("--blocks", type=int, nargs="+", required=True)
    parser.add_argument("--report", type=int, required=True)
    asked = parser.parse_args()
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(asked.model)
    prompts = PROMPTS_PER_STEP * sum(asked.blocks)
    groups = problem(tokenizer, asked.data, prompts, asked.responses)
    CONTESTANTS[asked.name](Setting(asked.model, groups, Gate(asked.blocks, asked.report)))


if __name__ == "__main__":
    main()

"""TRL as an oracle: its losses on its own batches, against ours on the same tokens."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from train.data.tokens import TokenGroup
from train.model.logprobs import logprobs
from train.objectives.registry import objective

BETA = 0.1


def turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def as_groups(batch: dict[str, Any]) -> list[TokenGroup]:
    """TRL stacks all chosen rows, then all rejected ones."""
    parts = []
    for ids, there, answer in zip(
        batch["input_ids"], batch["attention_mask"], batch["completion_mask"], strict=True
    ):
        prompt = tuple(ids[(there == 1) & (answer == 0)].tolist())
        parts.append((prompt, tuple(ids[answer == 1].tolist())))
    half = len(parts) // 2
    return [
        TokenGroup(prompt, (chosen, rejected), (1.0, 0.0), "trl")
        for (prompt, chosen), (_, rejected) in zip(parts[:half], parts[half:], strict=True)
    ]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # TRL's own, on import
@pytest.mark.parametrize(
    ("theirs", "ours"), [("sigmoid", "dpo"), ("nca_pair", "nca"), ("bco_pair", "biased_nca")]
)
def test_pair_losses_equal_trls(theirs: str, ours: str, tiny_model: Path, tmp_path: Path) -> None:
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    reference, policy = (AutoModelForCausalLM.from_pretrained(tiny_model) for _ in range(2))
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in policy.parameters():
            weight.add_(torch.randn_like(weight) * 0.02)
    rows = [
        {
            "prompt": [turn("user", f"q{n}?")],
            "chosen": [turn("assistant", "yes " * (n + 1))],
            "rejected": [turn("assistant", "no" + "!" * n)],
        }
        for n in range(4)
    ]
    trainer = DPOTrainer(
        model=policy,
        ref_model=reference,
        args=DPOConfig(
            output_dir=str(tmp_path),
            loss_type=[theirs],
            beta=BETA,
            per_device_train_batch_size=4,
            report_to="none",
            use_cpu=True,
            bf16=False,  # TRL's default runs the reference in bf16 where the machine can
            disable_tqdm=True,
            gradient_checkpointing=False,
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=AutoTokenizer.from_pretrained(tiny_model),
    )
    batch = next(iter(trainer.get_train_dataloader()))
    groups = as_groups(batch)
    rewards = torch.tensor([group.rewards for group in groups])
    mask = torch.ones_like(rewards, dtype=torch.bool)
    extra = {"alpha": 0.0} if ours == "nca" else {}
    with torch.no_grad():
        expected = trainer.compute_loss(policy, batch).item()
        logps, ref_logps = (logprobs(m, groups, "tree")[0] for m in (policy, reference))
    out = objective(ours, beta=BETA, **extra)(logps, ref_logps, rewards, mask)
    assert abs(out.implicit_rewards).max() > 0.01
    assert out.loss.item() == pytest.approx(expected, abs=1e-5)

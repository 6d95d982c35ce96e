"""Before the first update the policy is the reference; where it is not, the reason is named."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model

from train.data.tokens import TokenGroup
from train.errors import TrainError
from train.model.logprobs import Form, logprobs
from train.objectives.registry import objective
from train.trainer.batch_loss import (
    EXACT,
    Item,
    LossSettings,
    check_against_reference,
    score_batch,
    tolerance,
)

SETTINGS = LossSettings(objective("nca", beta=0.1, alpha=1.0), "tree")


def items_of(model: Any, groups: list[TokenGroup], form: Form = "tree") -> list[Item]:
    with torch.no_grad():
        sums, _ = logprobs(model, groups, form)
    return [
        Item(group, tuple(row[: len(group.responses)]))
        for group, row in zip(groups, sums.tolist(), strict=True)
    ]


def check(policy: Any, items: list[Item], settings: LossSettings = SETTINGS) -> None:
    check_against_reference(policy, score_batch(policy, items, settings)[1], items, settings)


def test_a_policy_that_is_the_reference_passes(tiny: Any, groups: list[TokenGroup]) -> None:
    model = tiny("llama")
    items = items_of(model, groups)
    check(model, items)
    check(get_peft_model(model, LoraConfig(r=2, target_modules="all-linear")), items)


def test_an_adapter_that_is_not_fresh_is_named(tiny: Any, groups: list[TokenGroup]) -> None:
    model = tiny("llama")
    items = items_of(model, groups)
    spoilt = LoraConfig(r=2, target_modules="all-linear", init_lora_weights=False)
    with pytest.raises(TrainError, match=r"made:\d, response \d: .*the adapter is not fresh"):
        check(get_peft_model(model, spoilt), items)


def test_dropout_in_the_policy_is_named(tiny: Any, groups: list[TokenGroup]) -> None:
    model = tiny("llama")
    items = items_of(model, groups)
    dropped = LoraConfig(r=2, target_modules="all-linear", lora_dropout=0.5)
    policy = get_peft_model(model, dropped)
    with torch.no_grad():
        for name, weight in policy.named_parameters():
            if "lora_A" in name:
                weight.mul_(100)
    check(policy.train(), items)  # while B is zero, dropout before A changes nothing
    for layer in model.model.layers:
        layer.mlp.act_fn = torch.nn.Sequential(layer.mlp.act_fn, torch.nn.Dropout(0.5))
    with pytest.raises(TrainError, match="dropout is on in the policy"):
        check(policy.train(), items)
    assert policy.training


def test_another_form_is_named(tiny: Any, groups: list[TokenGroup]) -> None:
    # A softened head changes the logits of the plain form alone.
    model = tiny("gemma2", final_logit_softcapping=0.5, attn_logit_softcapping=None)
    items = items_of(model, groups, "plain")
    with pytest.raises(TrainError, match="reference was computed in form plain, the policy in"):
        check(model, items, replace(SETTINGS, form="padded"))


def test_a_value_of_other_weights_is_not_blamed_on_a_setting(
    tiny: Any, groups: list[TokenGroup]
) -> None:
    model = tiny("llama")
    items = items_of(model, groups)
    wrong = replace(items[1], reference=tuple(value + 0.5 for value in items[1].reference))
    bad = [items[0], wrong, items[2]]
    with pytest.raises(TrainError, match=r"made:1, .*no setting of this run.*remove reference"):
        check(model, bad)
    with pytest.raises(TrainError, match="no setting of this run"):
        check_against_reference(None, score_batch(model, bad, SETTINGS)[1], bad, SETTINGS)
    nowhere = replace(wrong, reference=(float("nan"),) * 2)
    with pytest.raises(TrainError, match="made:1"):
        check(model, [items[0], nowhere])


def test_bf16_is_allowed_twice_what_the_reference_differs_from_itself(
    tiny: Any, groups_of: Any
) -> None:
    groups = groups_of([(20, [30, 40]), (9, [50, 60]), (33, [7, 70])], 100)
    model = tiny("llama")
    assert tolerance(model, groups, "padded", "float32", 2) == EXACT
    model = model.bfloat16()
    spread = max(
        abs(a - b)
        for together, alone in zip(
            [*_sums(model, groups[:2]), *_sums(model, groups[2:])],
            [row for group in groups for row in _sums(model, [group])],
            strict=True,
        )
        for a, b in zip(together, alone, strict=True)
    )
    assert tolerance(model, groups, "padded", "bfloat16", 2) == max(EXACT, 2 * spread)
    # Whatever the machine makes of it, a policy passes by its own measure.
    allowed = tolerance(model, groups, "tree", "bfloat16", 3)
    check(model, items_of(model, groups), replace(SETTINGS, allowed=allowed))


def _sums(model: Any, groups: list[TokenGroup]) -> list[list[float]]:
    with torch.no_grad():
        return logprobs(model, groups, "padded")[0].tolist()

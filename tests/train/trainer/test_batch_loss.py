"""The logged entropy is that of the labels from which the loss was computed."""

import math

import pytest

from train.data.tokens import TokenGroup
from train.objectives.registry import objective
from train.trainer.batch_loss import Item, LossSettings, score_at_reference
from train.trainer.metrics import summarise

TIED = Item(TokenGroup((1, 2), ((3,), (4,), (5,)), (1.0, 1.0, 1.0), "made:1"), (-1.0, -2.0, -3.0))


@pytest.mark.parametrize("name", ["infonca", "nca"])
@pytest.mark.parametrize(("favour_first", "entropy"), [(False, math.log(3)), (True, 0.0)])
def test_the_logged_entropy_is_that_of_the_labels_of_the_loss(
    name: str, favour_first: bool, entropy: float
) -> None:
    loss = objective(name, beta=0.1, alpha=1e-4, favour_first=favour_first)
    line = summarise(score_at_reference([TIED], LossSettings(loss, "tree")))
    assert line["label_entropy"] == pytest.approx(entropy)


@pytest.mark.parametrize(
    ("name", "settings"), [("sft", {}), ("dpo", {"beta": 0.1, "pairs": "all"})]
)
def test_an_objective_without_alpha_logs_no_entropy(name: str, settings: dict[str, object]) -> None:
    line = summarise(score_at_reference([TIED], LossSettings(objective(name, **settings), "tree")))
    assert line["label_entropy"] is None

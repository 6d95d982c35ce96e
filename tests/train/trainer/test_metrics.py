"""Numbers by rank: order by reward, not by position; ties and padding left out."""

import math
from typing import Any

import pytest
import torch

from train.trainer.metrics import BatchScores, concatenate, summarise


def scores(logps: list[Any], rewards: list[Any], mask: list[Any] | None = None) -> BatchScores:
    values = torch.tensor(logps)
    present = torch.ones_like(values, dtype=torch.bool) if mask is None else torch.tensor(mask)
    return BatchScores(
        logps=values - 10,
        ref_logps=torch.full_like(values, -10),
        rewards=torch.tensor(rewards),
        mask=present,
        lengths=present * 4,
        implicit=values / 10,
        losses=torch.ones(len(values)),
        entropy=None,
    )


def test_ranks_follow_rewards_and_errors_are_over_prompts() -> None:
    line = summarise(
        scores([[1.0, 5.0, 3.0], [-2.0, 8.0, 6.0]], [[0.0, 2.0, 1.0], [2.0, 0.0, 1.0]])
    )
    assert line["logratios"] == [1.5, 4.5, 4.5]
    assert line["logps"] == [-8.5, -5.5, -5.5]
    assert line["logratio_best"] == 1.5
    assert line["logratio_worst"] == 4.5
    assert line["logratio_best_se"] == pytest.approx(3.5)  # 5 and -2: half their distance
    assert line["logratio_margin"] == -3.0
    assert line["logratio_margin_se"] == pytest.approx(7.0)  # 4 and -10
    assert line["best_rose"] == 0.5
    assert line["margin"] == pytest.approx((0.5 - 0.1 - 0.2 - 0.8) / 2)
    assert line["accuracy"] == pytest.approx(3 / 6)
    assert line["label_entropy"] is None


def test_ties_have_no_best_and_shorter_prompts_their_own_worst() -> None:
    tied = scores([[9.0, 9.0, 9.0]], [[1.0, 1.0, 1.0]])
    short = scores([[2.0, 4.0]], [[0.0, 1.0]])
    line = summarise(concatenate([tied, short]))
    assert (line["prompts"], line["ranked_prompts"]) == (2, 1)
    assert line["logratios"] == [4.0, 2.0, None]
    assert line["logratio_worst"] == 2.0
    assert line["accuracy"] == 1.0
    assert line["logratio_best_se"] is None
    assert line["response_tokens"] == 4.0
    nothing = summarise(tied)
    assert nothing["logratio_best"] is None
    assert nothing["loss"] == 1.0


def test_a_rise_within_noise_is_none() -> None:
    assert summarise(scores([[1e-4, 0.0]], [[1.0, 0.0]]))["best_rose"] == 0.0
    assert summarise(scores([[0.1, 0.0]], [[1.0, 0.0]]))["best_rose"] == 1.0


def test_masked_places_may_hold_anything() -> None:
    filled = scores([[1.0, 2.0, math.nan]], [[1.0, 0.0, 99.0]], [[True, True, False]])
    line = summarise(filled)
    assert line["logratios"] == [1.0, 2.0, None]
    assert line["accuracy"] == 0.0

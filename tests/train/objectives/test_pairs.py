"""The choice of the responses that are compared."""

import random
from typing import Any

import torch
from hypothesis import given
from hypothesis import strategies as st

from train.config import TrainConfig
from train.data.prepare import select_compared
from train.data.row_formats import Group
from train.objectives.pairwise import choose_pairs, pair_weights

rewards_lists = st.lists(st.integers(0, 4).map(float), min_size=2, max_size=6)
choices = st.sampled_from(["best_vs_random", "best_vs_worst", "best_vs_rest", "all"])


@given(rewards_lists, choices, st.integers(0, 9))
def test_every_pair_is_truly_ordered_and_seeded(
    rewards: list[float], choice: Any, seed: int
) -> None:
    pairs = choose_pairs(rewards, choice, random.Random(seed))
    assert all(rewards[better] > rewards[worse] for better, worse in pairs)
    assert bool(pairs) == (len(set(rewards)) > 1)
    assert pairs == choose_pairs(rewards, choice, random.Random(seed))


def test_each_choice_forms_the_pairs_that_it_names() -> None:
    rewards = [1.0, 3.0, 2.0, 1.0]
    rng = random.Random(0)
    assert choose_pairs(rewards, "best_vs_worst", rng) == ((1, 0),)
    assert choose_pairs(rewards, "best_vs_rest", rng) == ((1, 0), (1, 2), (1, 3))
    assert len(choose_pairs(rewards, "all", rng)) == 5  # 6 pairs, one tied
    drawn = {choose_pairs(rewards, "best_vs_random", rng)[0][1] for _ in range(50)}
    assert drawn == {0, 2, 3}
    config = TrainConfig(data="rows.jsonl", method="dpo", pairs="best_vs_worst")
    compared = select_compared(config, Group((), ("a", "b", "c", "d"), tuple(rewards), "rows:1"))
    assert compared is not None
    assert compared.responses == ("a", "b")


@given(rewards_lists, choices)
def test_weights_of_a_prompt_sum_to_one_or_none(rewards: list[float], choice: Any) -> None:
    row = torch.tensor([[*rewards, 99.0]])
    mask = torch.tensor([[True] * len(rewards) + [False]])
    weights = pair_weights(row, mask, choice)
    assert weights.sum().item() in (0.0, 1.0) or abs(weights.sum().item() - 1) < 1e-6
    assert weights[0, -1].sum() == 0
    assert weights[0, :, -1].sum() == 0

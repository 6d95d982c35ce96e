"""The order of a run: seeded, whole epochs, similar sizes side by side inside a step."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.config import TrainConfig
from train.errors import TrainError
from train.trainer.distributed import Processes, check_processes, micro_batches, training_order


@given(st.lists(st.integers(1, 50), min_size=1, max_size=20), st.integers(1, 60), st.integers(1, 8))
def test_every_prompt_comes_equally_often_and_steps_are_sorted(
    sizes: list[int], total: int, per_step: int
) -> None:
    epochs = total / len(sizes)
    config = TrainConfig(
        data="x", epochs=epochs, prompts_per_step=per_step, prompts_per_batch=1, seed=3
    )
    order = training_order(sizes, config)
    assert len(order) == total
    counts = [order.count(index) for index in range(len(sizes))]
    assert max(counts) - min(counts) <= 1 + (total % len(sizes) > 0 and per_step > 1)
    for start in range(0, total, per_step):
        step = [sizes[index] for index in order[start : start + per_step]]
        assert step == sorted(step, reverse=True)
    assert order == training_order(sizes, config)


def test_max_steps_decide_over_epochs() -> None:
    def order(prompts: int, **keys: Any) -> tuple[int, ...]:
        return training_order([1] * prompts, TrainConfig(data="x", prompts_per_step=8, **keys))

    assert len(order(96)) == 96
    assert len(order(96, epochs=0.5)) == 48
    assert len(order(96, epochs=3.0, max_steps=12)) == 96
    assert len(order(10, max_steps=100)) == 800
    assert order(50, seed=0) != order(50, seed=1)


@given(
    total=st.integers(1, 60),
    processes=st.integers(1, 4),
    per_batch=st.integers(1, 3),
    rounds=st.integers(1, 3),
)
def test_the_shares_of_a_step_are_its_prompts_once_each(
    total: int, processes: int, per_batch: int, rounds: int
) -> None:
    per_step = processes * per_batch * rounds
    shares = [
        micro_batches(total, per_step, per_batch, Processes(rank, processes))
        for rank in range(processes)
    ]
    assert len({len(batches) for batches in shares}) == 1
    assert sorted(place for batches in shares for batch in batches for place in batch) == [
        *range(total)
    ]
    for step in range(total // per_step):
        turns = slice(step * rounds, (step + 1) * rounds)
        places = [place for batches in shares for batch in batches[turns] for place in batch]
        assert sorted(places) == [*range(step * per_step, (step + 1) * per_step)]
    # In every turn somebody has a prompt, so that what is averaged over a turn exists.
    assert all(any(batches) for batches in zip(*shares, strict=True))


def test_a_step_that_processes_cannot_share_is_refused_with_one_that_they_can() -> None:
    config = TrainConfig(data=Path("x"), prompts_per_step=8, prompts_per_batch=2)
    check_processes(config, 4)
    with pytest.raises(TrainError, match="multiple of 6, such as 6"):
        check_processes(config, 3)
    with pytest.raises(TrainError, match="multiple of 16, such as 16"):
        check_processes(config, 8)

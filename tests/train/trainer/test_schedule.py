"""The order of a run: seeded, whole epochs, similar sizes side by side inside a step."""

from hypothesis import given
from hypothesis import strategies as st

from train.trainer.schedule import total_prompts, training_order


@given(st.lists(st.integers(1, 50), min_size=1, max_size=20), st.integers(1, 60), st.integers(1, 8))
def test_every_prompt_comes_equally_often_and_steps_are_sorted(
    sizes: list[int], total: int, per_step: int
) -> None:
    order = training_order(sizes, total, per_step, seed=3)
    assert len(order) == total
    counts = [order.count(index) for index in range(len(sizes))]
    assert max(counts) - min(counts) <= 1 + (total % len(sizes) > 0 and per_step > 1)
    for start in range(0, total, per_step):
        step = [sizes[index] for index in order[start : start + per_step]]
        assert step == sorted(step, reverse=True)
    assert order == training_order(sizes, total, per_step, seed=3)


def test_max_steps_decide_over_epochs() -> None:
    assert total_prompts(96, 1.0, 8, None) == 96
    assert total_prompts(96, 0.5, 8, None) == 48
    assert total_prompts(96, 3.0, 8, 12) == 96
    assert total_prompts(10, 1.0, 8, 100) == 800
    assert training_order([1] * 50, 50, 5, 0) != training_order([1] * 50, 50, 5, 1)

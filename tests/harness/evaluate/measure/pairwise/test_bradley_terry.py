import random

import pytest

from harness.evaluate.measure.bradley_terry import strengths, with_intervals
from harness.evaluate.measure.games import Game


def test_two_checkpoints_by_hand() -> None:
    # s_a / (s_a + s_b) = 10 / 11, so s_a is ten times s_b.
    found = strengths({("a", "b"): 10.0, ("b", "a"): 1.0}, ["a", "b"], "b")
    assert found == {"a": pytest.approx(400.0, abs=1e-4), "b": 0.0}


def test_three_in_proportion_are_found_again() -> None:
    truth = {"a": 4.0, "b": 2.0, "c": 1.0}
    points = {
        (x, y): 1000 * truth[x] / (truth[x] + truth[y]) for x in truth for y in truth if x != y
    }
    found = strengths(points, list(truth), "c")
    assert found is not None
    assert found["a"] == pytest.approx(2 * found["b"], abs=1e-3)
    assert found["b"] == pytest.approx(400 * 0.30103, abs=1e-2)


@pytest.mark.parametrize(
    "points",
    [
        {("a", "b"): 3.0, ("b", "a"): 0.0},
        {("a", "b"): 1.0, ("b", "a"): 1.0},  # c never played
        {("a", "b"): 1.0, ("b", "a"): 1.0, ("c", "a"): 2.0, ("c", "b"): 1.0},  # c lost nothing
    ],
)
def test_infinite_strengths_are_not_given(points: dict[tuple[str, str], float]) -> None:
    assert strengths(points, ["a", "b", "c"], "a") is None


def test_a_cycle_of_winners_is_all_even() -> None:
    points = {("a", "b"): 2.0, ("b", "a"): 1.0, ("b", "c"): 2.0, ("c", "b"): 1.0}
    points |= {("c", "a"): 2.0, ("a", "c"): 1.0}
    found = strengths(points, ["a", "b", "c"], "a")
    assert found == {name: pytest.approx(0.0, abs=1e-6) for name in "abc"}


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = random.Random(3)
    held = 0
    for trial in range(40):
        games = [Game(str(k), 0, "a", "b", float(rng.random() < 0.64)) for k in range(80)]
        found = with_intervals(games, ["a", "b"], "b", seed=trial)
        assert found is not None
        interval = found["a"].interval
        assert interval is not None
        held += interval.low <= 99.95 <= interval.high  # 400 log10(0.64 / 0.36)
    assert 34 <= held <= 40

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.evaluate.measure.games import (
    Game,
    Record,
    pairings,
    points_of,
    record,
    strengths,
    with_intervals,
)

GAMES = [
    Game("1", 0, "nca", "dpo", 1.0, 1.0, 1.0),
    Game("2", 0, "nca", "dpo", 0.5, 0.5, 0.0),
    Game("3", 0, "nca", "dpo", 0.0, 0.0, 1.0),
    Game("4", 0, "nca", "dpo", 0.75, 0.5, 0.5),  # two turns: a win and a tie
    Game("5", 0, "nca", "dpo", None, 1.0, None, "no verdict"),
]


def test_a_record_by_hand() -> None:
    assert record(GAMES, "nca") == Record(
        wins=2, ties=1, losses=1, missing=1,
        win_rate=2.25 / 4, official_win_rate=3.0 / 5, consistency=2.5 / 4,
    )  # fmt: skip


def test_no_game_has_no_rate() -> None:
    assert record([], "nca") == Record()
    assert record(GAMES[4:], "nca").win_rate is None


@given(st.lists(st.sampled_from(GAMES)))
def test_what_one_wins_the_other_loses(games: list[Game]) -> None:
    one, other = record(games, "nca"), record(games, "dpo")
    assert (one.wins, one.ties, one.losses) == (other.losses, other.ties, other.wins)
    assert one.missing == other.missing
    assert one.wins + one.ties + one.losses + one.missing == len(games)
    if one.win_rate is not None and other.win_rate is not None:
        assert abs(one.win_rate + other.win_rate - 1) < 1e-9
    assert one.consistency == other.consistency


def test_everyone_meets_the_baseline_and_each_other_once() -> None:
    names = ["base", "dpo", "nca"]
    assert pairings(names, "base", everyone=False) == [("dpo", "base"), ("nca", "base")]
    assert pairings(names, "base", everyone=True)[2:] == [("dpo", "nca")]
    many = pairings([str(k) for k in range(6)], "3", everyone=True)
    assert len(many) == len({frozenset(pair) for pair in many}) == 15


def test_a_prompt_weighs_one_however_often_it_was_answered() -> None:
    games = [Game("1", k, "a", "b", float(k == 0)) for k in range(4)] + [
        Game("2", 0, "b", "a", 1.0)
    ]
    assert points_of(games) == {("a", "b"): 0.25, ("b", "a"): 1.75}


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

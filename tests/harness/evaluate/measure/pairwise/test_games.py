from hypothesis import given
from hypothesis import strategies as st

from harness.evaluate.measure.games import Game, Record, pairings, points_of, record

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
    assert (one.missing, one.games) == (other.missing, len(games))
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

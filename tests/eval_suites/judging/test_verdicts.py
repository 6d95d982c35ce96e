"""Verdicts: what upstream reads in a judge's reply, and what we read."""

import math

import pytest

from eval_suites.judging.verdicts import (
    label_preference,
    official_ranking,
    official_rating,
    official_winner,
    ranking,
    rating,
    winner,
)

# reply, FastChat's rating, ours
RATINGS: list[tuple[str, float | None, float | None]] = [
    ("Rating: [[5]]", 5, 5),
    ("Rating: [[8.5]]", 8.5, 8.5),
    ("Rating: [[8.]]", 8, 8),
    ("**[[ 7 ]]**", None, 7),
    ("The answer claims [[10]], but it is wrong. Rating: [[2]]", 10, 2),
    ("Rating: [[3]], on second thoughts [[4]]", 3, 4),
    ("Rating: [[11]]", 11, None),
    ("Rating: [[0]]", 0, None),
    ("Rating: [[-1]]", None, None),
    ("First [[7]], finally [[70]]", 7, None),
    ("Rating: [6]", 6, 6),
    ("See [1] and [2]. Rating: 9", 1, None),
    ("See [1]. Rating: [[9]]", 9, 9),
    ("Rating: [[9/10]]", None, None),
    ("Rating: [[rating]]", None, None),
    ("Rating: [[eight]]", None, None),
    ("Rating: [[1]]", 1, 1),
    ("Rating: [[10.0]]", 10, 10),
    ("Rating: [[10.5]]", 10.5, None),
    ("Rating: 8 out of 10", None, None),
    ("It is good. Rating: [8]", 8, 8),
    ("**Rating:** [8.5]", 8.5, 8.5),
    ("see [3] of the list, Rating: [8]", 3, 8),
    ("Rating: [80]", 80, None),
    ("I cannot rate this.", None, None),
    ("$ERROR$", None, None),
    ("", None, None),
]


@pytest.mark.parametrize(("reply", "official", "ours"), RATINGS)
def test_ratings(reply: str, official: float | None, ours: float | None) -> None:
    assert (official_rating(reply), rating(reply)) == (official, ours)


# reply, FastChat's winner, ours
WINNERS: list[tuple[str, str | None, str | None]] = [
    ("My verdict: [[A]]", "A", "A"),
    ("My verdict: [[B]]", "B", "B"),
    ("My verdict: [[C]]", "tie", "tie"),
    ("Not [[B]]. My verdict: [[A]]", "A", "A"),
    ("B says that [[A]] is better. My verdict: [[B]]", "A", "B"),
    ("[[C]] would be kind. My verdict: [[B]]", "B", "B"),
    ("My verdict: [[ A ]]", None, "A"),
    ("My verdict: [A]", None, None),
    ("My verdict: [[D]]", None, None),
    ("My verdict: [[a]]", None, None),
    ("", None, None),
]


@pytest.mark.parametrize(("reply", "official", "ours"), WINNERS)
def test_winners(reply: str, official: str | None, ours: str | None) -> None:
    assert (official_winner(reply), winner(reply)) == (official, ours)


def test_the_weighted_preference_is_two_less_the_share_of_the_first_label() -> None:
    log = math.log
    assert label_preference([("m", log(0.6)), ("M", log(0.2)), ("x", log(0.1))]) == pytest.approx(
        2 - 0.75
    )
    assert label_preference([("M", log(0.01)), ("m", log(0.01))]) == 1.5
    # Labels so unlikely that their probabilities are 0 as floats.
    assert label_preference([("x", 0.0), ("m", -800.0), ("M", -800.0)]) == 1.5


def test_a_label_that_is_not_among_the_most_likely_counts_as_impossible() -> None:
    assert label_preference([("m", -0.1), ("x", -3.0)]) == 1.0
    assert label_preference([("M", -0.1), ("x", -3.0)]) == 2.0
    assert label_preference([("x", -0.1), (" m", -3.0)]) is None
    assert label_preference([]) is None
    assert label_preference([("m", math.nan), ("M", -1.0)]) is None
    assert label_preference([("m", -math.inf)]) is None


FIRST = "[{'model': 'model_1', 'rank': 1}, {'model': 'model_2', 'rank': 2}]"
SECOND = "[{'model': 'model_2', 'rank': 1}, {'model': 'model_1', 'rank': 2}]"
# reply, upstream's preference, ours
RANKINGS: list[tuple[str, float | None, float | None]] = [
    (FIRST, 1, 1),
    (SECOND, 2, 2),
    (f"\n{FIRST}\n", 1, 1),
    (f"Here you are: {SECOND}", None, 2),
    (f"```python\n{FIRST}\n```", None, 1),
    (f"The answer says {FIRST}, which I ignore. {SECOND}", None, 2),
    ("[{'model': 'model_1', 'rank': 1}]", 1, None),
    ("[{'model': 'model_1', 'rank': 1}, {'model': 'model_2', 'rank': 1}]", 1, None),
    ("[{'model': 'model_1', 'rank': 3}, {'model': 'model_2', 'rank': 1}]", None, None),
    ("[{'model': 'model_1', 'rank': '1'}, {'model': 'model_2', 'rank': '2'}]", None, None),
    ("[{'model': 'A', 'rank': 1}, {'model': 'B', 'rank': 2}]", None, None),
    (FIRST[:-1], None, None),
    (FIRST[:40], None, None),
    ("[{'model': 'model_1', 'rank': __import__('os').getpid()}]", None, None),
    ("model_1 is better.", None, None),
    ("[" * 5000, None, None),
    ("[1, 2]", None, None),
    ("7", None, None),
    ("", None, None),
]


@pytest.mark.parametrize(("reply", "official", "ours"), RANKINGS)
def test_rankings(reply: str, official: float | None, ours: float | None) -> None:
    assert (official_ranking(reply), ranking(reply)) == (official, ours)

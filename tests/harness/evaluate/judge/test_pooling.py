"""Repetitions of a judge as one score."""

import pytest

from eval_suites.requests import Answer, Request
from eval_suites.scores import Score
from harness.evaluate.judge.judge import pooled, split_repeats


def rated(value: float | None, **metrics: float) -> Score:
    if value is None:
        return Score(None, "judge_missing", reason="unreadable")
    return Score(value, extracted=f"{value:g}", metrics={"rating": value, **metrics})


REQUEST = Request(text="rate it")


def ask(replies: tuple[Answer, ...]) -> tuple[Request, ...]:
    """Two ratings, and once more for each that cannot be read."""
    if not replies:
        return (REQUEST, REQUEST)
    return tuple(REQUEST for reply in replies if reply.text == "no") if len(replies) == 2 else ()


@pytest.mark.parametrize(
    ("texts", "repeats"),
    [
        ("", [[]]),
        ("4 5", [["4", "5"]]),
        ("4 5 6 7", [["4", "5"], ["6", "7"]]),
        ("no 5 4 6 no 7 1 2", [["no", "5", "4"], ["6", "no", "7"], ["1", "2"]]),
        ("4 5 6", [["4", "5"], ["6"]]),  # cut off: the last repetition has no score
    ],
)
def test_verdicts_are_told_apart_by_what_was_asked(texts: str, repeats: list[list[str]]) -> None:
    split = split_repeats(ask, tuple(map(Answer, texts.split())))

    assert [[reply.text for reply in replies] for replies in split] == repeats


def test_verdicts_that_nobody_asks_for_are_one_repetition() -> None:
    verdicts = (Answer("4"), Answer("5"))
    assert split_repeats(lambda _: (), verdicts) == (verdicts,)


def test_one_repetition_is_what_it_is() -> None:
    assert pooled([rated(7.0)]) == rated(7.0)


def test_several_are_averaged_with_their_standard_deviation() -> None:
    score = pooled([rated(4.0, turn_1=3.0), rated(6.0, turn_1=5.0), rated(8.0, turn_1=4.0)])

    assert (score.value, score.status, score.extracted) == (6.0, "ok", "4; 6; 8")
    assert score.metrics == pytest.approx({"rating": 6.0, "turn_1": 4.0, "judge_sd": 2.0})


def test_a_repetition_without_a_verdict_leaves_the_sample_without_one() -> None:
    assert pooled([rated(4.0), rated(None), rated(8.0)]) == rated(None)

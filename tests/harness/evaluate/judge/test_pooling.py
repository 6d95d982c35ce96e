"""Repetitions of a judge as one score."""

import pytest

from eval_suites.scores import Score
from harness.evaluate.judge.pooling import pooled


def rated(value: float | None, **metrics: float) -> Score:
    if value is None:
        return Score(None, "judge_missing", reason="unreadable")
    return Score(value, extracted=f"{value:g}", metrics={"rating": value, **metrics})


def test_one_repetition_is_what_it_is() -> None:
    assert pooled([rated(7.0)]) == rated(7.0)


def test_several_are_averaged_with_their_standard_deviation() -> None:
    score = pooled([rated(4.0, turn_1=3.0), rated(6.0, turn_1=5.0), rated(8.0, turn_1=4.0)])

    assert (score.value, score.status, score.extracted) == (6.0, "ok", "4; 6; 8")
    assert score.metrics == pytest.approx({"rating": 6.0, "turn_1": 4.0, "judge_sd": 2.0})


def test_a_repetition_without_a_verdict_leaves_the_sample_without_one() -> None:
    assert pooled([rated(4.0), rated(None), rated(8.0)]) == rated(None)

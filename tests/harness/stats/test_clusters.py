"""Answers to one prompt, verdicts on one answer: by hand, and by simulation with fixed seeds."""

import numpy as np
import pytest

from harness.stats.clusters import cluster_means, noise
from harness.stats.intervals import mean_intervals, wilson
from harness.stats.paired import paired_differences

DRAWS = 1_000


def test_clusters_have_one_mean_each_in_the_order_of_their_first_value() -> None:
    assert cluster_means([1, 0, 4, 2], ["b", "a", "b", "a"]) == {"b": 2.5, "a": 1.0}


def test_a_prompt_whose_answers_agree_is_right_or_wrong() -> None:
    means = cluster_means([1, 1, 0, 0, 1, 1], "aabbcc")
    assert mean_intervals([list(means.values())], seed=0) == [wilson(2, 3)]


def test_values_that_are_no_fractions_never_get_wilsons_interval() -> None:
    assert mean_intervals([[0.0] * 5, [1.0, 0.0, 1.0]], seed=0, graded=True)[0] is None
    (graded,) = mean_intervals([[1.0, 0.0] * 10], seed=0, graded=True)
    assert graded
    assert graded != wilson(10, 20)


def test_clustered_intervals_cover_where_answers_alone_would_not() -> None:
    # Four answers a prompt, graded; most of what varies is the prompt.
    rng = np.random.default_rng(0)
    answers = rng.normal(size=(DRAWS, 60, 1)) + rng.normal(0, 0.5, (DRAWS, 60, 4))
    clustered = mean_intervals(list(answers.mean(axis=2)), seed=0)
    flat = mean_intervals(list(answers.reshape(DRAWS, -1)), seed=0)
    covered = [sum(i.low <= 0 <= i.high for i in found if i) / DRAWS for found in (clustered, flat)]
    assert 0.93 <= covered[0] <= 0.97
    assert covered[1] < 0.8


def test_paired_and_clustered_differences_cover_and_the_null_is_rejected_at_most_6_in_100() -> None:
    # Two models, four answers each to 60 prompts whose difficulty both share.
    rng = np.random.default_rng(2)
    draws = 2 * DRAWS
    prompts = rng.normal(size=(draws, 60, 1))
    answers = [
        prompts + rng.normal(0, 0.5, (draws, 60, 1)) + rng.normal(0, 0.5, (draws, 60, 4))
        for _model in range(2)
    ]
    first, second = (one.mean(axis=2) for one in answers)
    found = paired_differences(list(zip(first, second, strict=True)), seed=0)
    covered = sum(d.interval.low <= 0 <= d.interval.high for d in found if d.interval)
    assert 0.93 <= covered / draws <= 0.97
    assert sum(d.p_value < 0.05 for d in found) <= 0.06 * draws


def test_noise_by_hand() -> None:
    # Means 2, 5; within (2 + 2) / 2 = 2; spread of the means 4.5; between 4.5 - 2 / 2.
    found = noise({"a": [1, 3], "b": [4, 6]})
    assert found
    assert (found.between, found.within, found.prompts, found.repeats) == (3.5, 2.0, 2, 2.0)
    assert found.error == pytest.approx((3.5 / 2 + 2 / 4) ** 0.5)
    assert noise({"a": [1], "b": [2]}) is None
    assert noise({"a": [1, 2]}) is None


def test_a_judge_s_noise_is_told_from_the_prompts() -> None:
    # 400 answers of spread 1, three verdicts on each that scatter by 0.5.
    rng = np.random.default_rng(1)
    verdicts = rng.normal(7, 1, (400, 1)) + rng.normal(0, 0.5, (400, 3))
    found = noise({str(i): list(row) for i, row in enumerate(verdicts)})
    assert found
    assert found.within**0.5 == pytest.approx(0.5, rel=0.06)
    assert found.between**0.5 == pytest.approx(1.0, rel=0.1)
    again = rng.normal(0, 0.5, (DRAWS, 400, 3)).mean(axis=(1, 2))
    assert found.of_repeats == pytest.approx(float(again.std()), rel=0.1)

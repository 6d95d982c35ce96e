"""Hand-worked examples, laws, and coverage by simulation with fixed seeds."""

from collections.abc import Callable, Sequence
from itertools import product
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats import resampling
from harness.stats.intervals import mover_average, wilson
from harness.stats.paired import (
    bonett_price,
    holm,
    mcnemar,
    paired_averages,
    paired_differences,
)
from harness.stats.records import Interval, PairedDifference
from harness.stats.resampling import bootstrap_means, sign_flips

DRAWS = 1_000
Values = Sequence[float]


def bootstrap_mean(values: Values, seed: int) -> Interval | None:
    return bootstrap_means([values], seed)[0]


def sign_flip(differences: Values, seed: int) -> float:
    return sign_flips([differences], seed)[0]


def paired_difference(first: Values, second: Values, seed: int) -> PairedDifference:
    return paired_differences([(first, second)], seed)[0]


def paired_average(pairs: Sequence[tuple[Values, Values]], seed: int) -> PairedDifference:
    return paired_averages([pairs], seed)[0]


def test_wilson_gives_the_published_interval_of_81_in_263() -> None:
    # Newcombe (1998), Statistics in Medicine 17:857, table I: 0.2553 to 0.3662.
    interval = wilson(81, 263)
    assert (round(interval.low, 4), round(interval.high, 4)) == (0.2553, 0.3662)


def test_wilson_of_none_in_twenty_reaches_z2_over_n_plus_z2() -> None:
    interval = wilson(0, 20)
    assert interval.low == pytest.approx(0, abs=1e-12)
    assert interval.high == pytest.approx(1.959964**2 / (20 + 1.959964**2), rel=1e-6)


def test_mcnemar_of_ten_discordant_pairs_by_hand() -> None:
    # 2 · (C(10,0) + C(10,1) + C(10,2)) / 2^10 = 112 / 1024
    assert mcnemar(8, 2) == pytest.approx(112 / 1024)
    assert mcnemar(0, 0) == 1.0


def test_bonett_price_gives_the_formula_worked_by_hand() -> None:
    # n 98, b 19, c 9: p 0.20, q 0.10; 0.1 ± 1.959964 · sqrt(0.29 / 100)
    interval = bonett_price(19, 9, 98)
    half = 1.959964 * sqrt(0.0029)
    assert (interval.low, interval.high) == pytest.approx((0.1 - half, 0.1 + half), rel=1e-6)


def test_binary_series_are_compared_on_their_discordant_pairs() -> None:
    first, second = [1, 1, 1, 0, 0, 1], [0, 0, 1, 0, 1, 0]
    found = paired_difference(first, second, seed=0)
    assert (found.delta, found.n, found.test) == (pytest.approx(2 / 6), 6, "mcnemar-exact")
    assert found.p_value == pytest.approx(mcnemar(3, 1))


def test_sign_flip_enumerates_few_differences_exactly() -> None:
    # Of the eight sign patterns of 1, 2, 3 only +++ and --- reach a sum of 6.
    assert sign_flip([1, 2, 3, 0], seed=0) == 2 / 8


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=8))
def test_sign_flip_equals_brute_force(differences: list[int]) -> None:
    sums = [
        abs(sum(s * d for s, d in zip(signs, differences, strict=True)))
        for signs in product((1, -1), repeat=len(differences))
    ]
    share = sum(total >= abs(sum(differences)) for total in sums) / len(sums)
    assert sign_flip(differences, seed=0) == pytest.approx(share)


def test_random_sign_flips_agree_with_enumeration(monkeypatch: pytest.MonkeyPatch) -> None:
    differences = list(np.random.default_rng(3).normal(0.3, 1, 12))
    exact = sign_flip(differences, seed=0)
    monkeypatch.setattr(resampling, "_ENUMERATED", 0)
    assert sign_flip(differences, seed=0) == pytest.approx(exact, abs=0.015)


def test_a_series_gets_the_same_numbers_alone_and_in_company() -> None:
    rng = np.random.default_rng(6)
    series = [list(rng.integers(1, 11, n).astype(float)) for n in (80, 30, 80, 30)]
    together = bootstrap_means(series, seed=0)
    alone = [bootstrap_mean(values, seed=0) for values in series]
    for one, other in zip(together, alone, strict=True):
        assert one
        assert other
        assert (one.low, one.high) == pytest.approx((other.low, other.high))
    shifted = [[value - 5 for value in values] for values in series]
    assert sign_flips(shifted, seed=0) == [
        sign_flip(differences, seed=0) for differences in shifted
    ]


def test_a_resample_is_drawn_in_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    values = list(np.random.default_rng(6).normal(0.2, 1, 40))
    whole = bootstrap_mean(values, seed=0), sign_flip(values, seed=0)
    monkeypatch.setattr(resampling, "_HELD", 1_000)
    interval, p_value = bootstrap_mean(values, seed=0), sign_flip(values, 0)
    assert whole[0]
    assert interval
    assert (interval.low, interval.high) == pytest.approx((whole[0].low, whole[0].high), abs=0.02)
    assert p_value == pytest.approx(whole[1], abs=0.02)


def test_the_bootstrap_of_a_mean_has_the_mean_s_standard_error() -> None:
    # Efron's bootstrap distribution of a mean has the variance sum (x - mean)^2 / n^2 exactly.
    values = list(np.random.default_rng(7).normal(size=400))
    interval = bootstrap_mean(values, seed=0)
    assert interval
    error = float(np.std(values)) / sqrt(400)
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * error, rel=0.05)


def test_holm_by_hand_keeps_order_and_never_falls() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([]) == ()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_the_raw_and_the_bonferroni_values(p_values: list[float]) -> None:
    for raw, adjusted in zip(p_values, holm(p_values), strict=True):
        assert raw <= adjusted <= min(1.0, len(p_values) * raw)


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    values = list(np.random.default_rng(0).normal(size=40))
    one = bootstrap_mean(values, seed=1)
    assert one == bootstrap_mean(values, seed=1)
    assert one != bootstrap_mean(values, seed=2)


def test_the_average_weighs_suites_not_prompts() -> None:
    pairs = [([1.0, 1.0], [0.0, 0.0]), ([0.5] * 100, [0.5] * 100)]
    assert paired_average(pairs, seed=0).delta == pytest.approx(0.5)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0, 7.0, -0.5, 0.1 + 0.2])
def test_graded_values_that_are_all_equal_have_no_interval(value: float) -> None:
    nearly = [value, value, value * (1 + 1e-15)]
    assert bootstrap_mean(nearly, seed=0) is None
    drawn = bootstrap_mean([value, value, value + 0.25], seed=0)
    assert drawn is not None
    assert drawn.low < drawn.high


def test_right_or_wrong_values_that_are_all_equal_keep_the_width_of_wilson() -> None:
    for value, other in ((0.0, 1.0), (1.0, 0.0)):
        found = paired_difference([value] * 8, [other] * 8, seed=0)
        assert found.interval is not None
        assert found.interval.high - found.interval.low > 0.2


def test_equal_differences_have_no_interval_but_a_p_value() -> None:
    found = paired_difference([0.75] * 8, [0.25] * 8, seed=0)
    assert (found.delta, found.interval, found.p_value) == (0.5, None, 2 / 2**8)


def test_an_average_needs_an_interval_of_every_suite() -> None:
    known = ([1.0, 0.0, 1.0], [0.0, 0.0, 1.0])
    assert paired_average([known, known], seed=0).interval is not None
    assert paired_average([known, ([0.75] * 3, [0.5] * 3)], seed=0).interval is None


@pytest.mark.parametrize("call", [
    lambda: wilson(0, 0),
    lambda: bootstrap_mean([1.0], seed=0),
    lambda: paired_difference([1.0], [1.0, 0.0], seed=0),
])  # fmt: skip
def test_too_little_data_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"needed|length"):
        call()


def _coverage(intervals: list[Interval], truth: float) -> float:
    return sum(i.low <= truth <= i.high for i in intervals) / len(intervals)


def test_wilson_covers_the_truth_95_in_100_times() -> None:
    rng = np.random.default_rng(0)
    drawn = [wilson(int(k), 200) for k in rng.binomial(200, 0.22, DRAWS)]
    assert 0.93 <= _coverage(drawn, 0.22) <= 0.97


@pytest.mark.parametrize("prompts", [20, 80])
def test_bootstrap_covers_the_mean_of_skewed_ratings_95_in_100_times(prompts: int) -> None:
    ratings = np.random.default_rng(1).beta(4, 2, (2 * DRAWS, prompts))
    drawn = bootstrap_means(list(ratings), seed=0, resamples=1_999)
    assert 0.93 <= _coverage(drawn, 4 / 6) <= 0.97


def test_average_of_unequal_suites_covers_95_in_100_times() -> None:
    rng = np.random.default_rng(2)
    graded, right = rng.beta(2, 2, (DRAWS, 50)), rng.binomial(200, 0.2, DRAWS)
    drawn = [
        mover_average([float(values.mean()), int(k) / 200], [interval, wilson(int(k), 200)])
        for values, k, interval in zip(
            graded, right, bootstrap_means(list(graded), 0, resamples=999), strict=True
        )
    ]
    assert 0.93 <= _coverage(drawn, (0.5 + 0.2) / 2) <= 0.97


def test_an_average_of_nothing_right_keeps_its_width() -> None:
    interval = mover_average([0.0, 0.0], [wilson(0, 4)] * 2)

    assert interval.low == 0
    assert interval.high > 0.3


def _correlated(rng: np.random.Generator, lift: float) -> tuple[list[float], list[float]]:
    """200 prompts, two models whose rightness is correlated; the true difference is the lift."""
    easy = rng.beta(1, 2, 200) * (1 - lift)
    luck = rng.random((2, 200))
    return list((luck[0] < easy + lift).astype(float)), list((luck[1] < easy).astype(float))


def test_paired_binary_interval_covers_and_the_null_is_rejected_at_most_6_in_100() -> None:
    rng = np.random.default_rng(4)
    lifted = [paired_difference(*_correlated(rng, 0.1), seed=0) for _ in range(DRAWS)]
    assert 0.93 <= _coverage([d.interval for d in lifted], 0.1) <= 0.97
    null = [paired_difference(*_correlated(rng, 0.0), seed=0) for _ in range(DRAWS)]
    assert sum(d.p_value < 0.05 for d in null) <= 0.06 * DRAWS


def test_paired_graded_interval_covers_and_the_null_is_rejected_at_most_6_in_100() -> None:
    rng = np.random.default_rng(5)
    hard = rng.normal(size=(DRAWS, 60))
    first, second = (hard + rng.normal(0, 0.5, hard.shape) for _ in range(2))
    found = paired_differences(list(zip(first, second, strict=True)), seed=0)
    assert 0.93 <= _coverage([d.interval for d in found], 0.0) <= 0.97
    assert sum(d.p_value < 0.05 for d in found) <= 0.06 * DRAWS

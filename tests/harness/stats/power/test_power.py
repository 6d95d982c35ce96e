"""Power: hand-worked numbers, exact sums, and what simulated tests really reach."""

from math import sqrt
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom, chi2

from harness.stats.paired import mcnemar
from harness.stats.power.sizes import (
    Aim,
    connor,
    correlation_of,
    discordant_of,
    least,
    mcnemar_detectable,
    mcnemar_power,
    mcnemar_samples,
    mean_detectable,
    mean_samples,
    seeds_needed,
    seeds_power,
    unpaired_detectable,
    unpaired_samples,
)

AIM = Aim()


def test_power_where_all_pairs_are_discordant_is_worked_by_hand() -> None:
    """n = 6, all discordant: only 6:0 and 0:6 are significant (p = 2/64 = 0.031; 5:1 has 0.22).

    With a difference of 0.8 the better side has q = 0.9: 0.9^6 + 0.1^6 = 0.531442. Of 5 pairs not
    even 5:0 is significant (p = 2/32).
    """
    assert mcnemar_power(6, 1.0, 0.8) == pytest.approx(0.531442, abs=1e-9)
    assert mcnemar_power(5, 1.0, 0.8) == 0.0


@pytest.mark.parametrize(("n", "discordant", "difference"), [(9, 0.6, 0.3), (14, 0.5, 0.5)])
def test_power_is_the_sum_over_all_tables_that_the_test_of_the_tables_rejects(
    n: int, discordant: float, difference: float
) -> None:
    better = (discordant + difference) / 2
    total = 0.0
    for pairs in range(n + 1):
        share = binom.pmf(pairs, n, discordant)
        for first in range(pairs + 1):
            if mcnemar(first, pairs - first) <= 0.05:
                total += share * binom.pmf(first, pairs, better / discordant)

    assert mcnemar_power(n, discordant, difference) == pytest.approx(total, abs=1e-10)


def test_connor_by_hand() -> None:
    """ψ = 0.2, δ = 0.1: (1.95996·sqrt(0.2) + 0.84162·sqrt(0.19))² / 0.01
    = (0.87652 + 0.36685)² / 0.01 = 154.6.
    """
    assert connor(0.2, 0.1, AIM) == 155


@pytest.mark.parametrize("discordant", [0.08, 0.2, 0.5])
@pytest.mark.parametrize("difference", [0.03, 0.06])
def test_the_exact_test_needs_somewhat_more_than_connor_says(
    discordant: float, difference: float
) -> None:
    needed = mcnemar_samples(discordant, difference, AIM)

    assert mcnemar_power(needed, discordant, difference) >= 0.8
    assert mcnemar_power(needed - 1, discordant, difference) < 0.8
    assert 1 < needed / connor(discordant, difference, AIM) < 1.2


def test_unpaired_by_hand() -> None:
    """0.6 against 0.7: m = 0.65, 2m(1 − m) = 0.455, 0.24 + 0.21 = 0.45;
    (1.95996·0.674537 + 0.84162·0.670820)² / 0.01 = (1.322066 + 0.564576)² / 0.01 = 355.9.
    """
    assert unpaired_samples(0.6, 0.7, AIM) == 356


def test_a_mean_by_hand() -> None:
    """Half a standard deviation: (1.95996 + 0.84162)² / 0.25 = 31.4."""
    assert mean_samples(1.0, 0.5, AIM) == 32
    assert mean_detectable(1.0, 32, AIM) == pytest.approx(2.80159 / sqrt(32), abs=1e-5)


def test_seeds_are_those_of_cohens_tables() -> None:
    """Half a standard deviation, power 0.8: 64 a group (Cohen 1988, table 2.4.1), 34 for one."""
    assert seeds_needed(1.0, 0.5, AIM, both=True) == 64
    assert seeds_needed(1.0, 0.5, AIM, both=False) == 34


def test_seeds_without_spread_and_with_little_of_it() -> None:
    assert seeds_needed(0.0, 0.05, AIM, both=True) == 2
    assert seeds_needed(1e-4, 0.05, AIM, both=True) == 2
    assert seeds_power(2, 1e-4, 0.05, 0.05, both=False) == pytest.approx(1.0)


def test_several_comparisons_need_more() -> None:
    """z of 1 − 0.05/6 is 2.39398: (2.39398·sqrt(0.2) + 0.84162·sqrt(0.19))² / 0.01 = 206.7."""
    assert connor(0.2, 0.1, AIM.shared(3)) == 207


def test_share_and_correlation_are_each_others_inverse() -> None:
    """Independent at 0.5 each: half the pairs are discordant; fully correlated: none."""
    assert discordant_of(0.5, 0.5, 0.0) == 0.5
    assert discordant_of(0.5, 0.5, 1.0) == pytest.approx(0.0)
    for correlation in (-0.2, 0.3, 0.8):
        share = discordant_of(0.4, 0.45, correlation)
        assert correlation_of(0.4, 0.45, share) == pytest.approx(correlation)
    assert correlation_of(0.0, 0.4, 0.4) is None


def test_what_n_samples_see_is_what_needs_n_samples() -> None:
    seen = mcnemar_detectable(500, 0.2, AIM)
    assert seen is not None
    assert mcnemar_samples(0.2, seen, AIM) == pytest.approx(500, rel=0.01)
    apart = unpaired_detectable(0.4, 500, AIM)
    assert apart is not None
    assert unpaired_samples(0.4, 0.4 + apart, AIM) == 500


def test_too_few_samples_see_nothing() -> None:
    assert mcnemar_detectable(5, 0.3, AIM) is None
    seen = mcnemar_detectable(64, 0.0, AIM)  # no discordant pair so far: a difference makes its own
    assert seen is not None
    assert mcnemar_power(64, seen, seen) == pytest.approx(0.8, abs=0.001)


@pytest.mark.parametrize(
    ("power", "alpha"), [(0.8, 0.0), (1.0, 0.05), (0.05, 0.05), (0.8, 1.2), (float("nan"), 0.05)]
)
def test_levels_that_are_none_are_refused(power: float, alpha: float) -> None:
    with pytest.raises(ValueError, match="0 < alpha < power < 1"):
        Aim(power, alpha)


@pytest.mark.parametrize(("discordant", "difference"), [(0.1, 0.2), (0.0, 0.0), (1.2, 0.3)])
def test_a_difference_larger_than_its_discordant_share_is_refused(
    discordant: float, difference: float
) -> None:
    for ask in (mcnemar_power, connor):
        arguments: Any = (100, discordant, difference) if ask is mcnemar_power else (
            discordant, difference, AIM,
        )  # fmt: skip
        with pytest.raises(ValueError, match="discordant share"):
            ask(*arguments)


def test_a_search_that_finds_no_end_says_so() -> None:
    with pytest.raises(ValueError, match="ask for a larger difference"):
        least(lambda _: False, 10)


def test_mcnemars_test_reaches_the_power_in_simulated_runs() -> None:
    """4,000 runs of as many prompts as asked for; the standard error of a share is 0.006."""
    discordant, difference = 0.15, 0.05
    n = mcnemar_samples(discordant, difference, AIM)
    better, worse = (discordant + difference) / 2, (discordant - difference) / 2
    rng = np.random.default_rng(0)

    drawn = rng.multinomial(n, [better, worse, 1 - discordant], size=4_000)
    pairs = drawn[:, 0] + drawn[:, 1]
    p_values = 2 * binom.cdf(drawn[:, :2].min(axis=1), pairs, 0.5)

    assert np.mean(p_values < 0.05) == pytest.approx(0.8, abs=0.02)


def test_paired_means_reach_the_power_in_simulated_runs_with_repeats() -> None:
    """Prompts differ in difficulty, two answers each: var = between + within / 2, as in `Pairing`.

    Graded answers: shared difficulty, sd 0.3 of the difference over prompts, 0.2 of an answer.
    """
    between, within, answers, difference = 0.3**2, 2 * 0.2**2, 2, 0.05
    n = mean_samples(between + within / answers, difference, AIM)
    rng = np.random.default_rng(1)
    runs = 2_000

    effect = difference + rng.normal(0, 0.3, (runs, n))
    noise = rng.normal(0, 0.2 * sqrt(2 / answers), (runs, n))
    found = effect + noise
    z = found.mean(axis=1) / (found.std(axis=1, ddof=1) / sqrt(n))

    assert np.mean(np.abs(z) > 1.95996) == pytest.approx(0.8, abs=0.03)


def test_unpaired_proportions_reach_the_power_in_simulated_runs() -> None:
    n = unpaired_samples(0.4, 0.5, AIM)
    rng = np.random.default_rng(2)
    first, second = (rng.binomial(n, p, 4_000) / n for p in (0.4, 0.5))
    mean = (first + second) / 2

    z2 = (first - second) ** 2 / (2 * mean * (1 - mean) / n)

    assert np.mean(z2 > chi2.ppf(0.95, 1)) == pytest.approx(0.8, abs=0.02)

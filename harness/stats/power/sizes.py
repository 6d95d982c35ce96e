"""The samples or seeds that show a difference: pure functions.

Fractions are 0 to 1, differences are in the unit of the values, tests are two-sided. The tests are
those of the tables (`harness.stats`): McNemar's exact test for right-or-wrong values, the
sign-flip test for others, which for power is as good as the z-test of the mean difference.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, sqrt

from harness.stats.records import PairedDifference, squares

#: The largest number of samples or seeds that is searched for.
MOST = 10**7
#: Share of the binomial distribution that may be left out at each end.
_TAIL = 1e-12


@dataclass(frozen=True, slots=True)
class Aim:
    """The aim of a test: `power` to show a true difference, at level `alpha`.

    Raises:
        ValueError: one of them is not between 0 and 1, or alpha is not below power.
    """

    power: float = 0.8
    alpha: float = 0.05

    def __post_init__(self) -> None:
        if not 0 < self.alpha < self.power < 1:
            raise ValueError(f"power {self.power} and alpha {self.alpha}: 0 < alpha < power < 1")

    @property
    def z(self) -> tuple[float, float]:
        """Return the normal quantiles of 1 - alpha/2 and of the power."""
        from scipy.stats import norm

        return float(norm.ppf(1 - self.alpha / 2)), float(norm.ppf(self.power))

    def shared(self, comparisons: int) -> "Aim":
        """Return the aim of one of several comparisons: alpha divided by their number.

        This is Bonferroni's correction. Holm's procedure demands it of the smallest p-value and
        less of the others, so these samples are enough.
        """
        return Aim(self.power, self.alpha / comparisons)


def mcnemar_power(n: int, discordant: float, difference: float, alpha: float = 0.05) -> float:
    """Return the exact power of McNemar's exact test on n pairs.

    The number of discordant pairs is D ~ Binomial(n, discordant); of them B ~ Binomial(D, q),
    q = (1 + difference / discordant) / 2, fall to the better side. With c(D) the largest c whose
    2·P[Binomial(D, 1/2) ≤ c] is at most alpha, power = E[P(B ≤ c(D)) + P(D − B ≤ c(D))].
    Duffy, "Asymptotic and exact power for the McNemar test and its analogue with R controls per
    case", Biometrics 40 (1984).

    Args:
        n: pairs, at least 1.
        discordant: share of pairs that only one of the two gets right, above 0.
        difference: between the two shares, at most `discordant`.
        alpha: level of the two-sided test.
    """
    import numpy as np
    from scipy.stats import binom

    _require_pairs(discordant, difference)
    low, high = binom.ppf([_TAIL, 1 - _TAIL], n, discordant)
    pairs = np.arange(max(low, 0), high + 1)
    critical = np.maximum(binom.ppf(alpha / 2, pairs, 0.5), 0)
    critical = np.where(2 * binom.cdf(critical, pairs, 0.5) <= alpha, critical, critical - 1)
    better = (1 + difference / discordant) / 2
    seen = binom.cdf(critical, pairs, better) + binom.cdf(critical, pairs, 1 - better)
    return float(binom.pmf(pairs, n, discordant) @ seen)


def connor(discordant: float, difference: float, aim: Aim) -> int:
    """Return the pairs that McNemar's test needs, by the usual approximation.

    n = (z_α·sqrt(ψ) + z_β·sqrt(ψ − δ²))² / δ², ψ the discordant share. Connor, "Sample size for
    testing differences in proportions for the paired-sample design", Biometrics 43 (1987).
    """
    _require_pairs(discordant, difference)
    z_alpha, z_beta = aim.z
    root = z_alpha * sqrt(discordant) + z_beta * sqrt(discordant - difference**2)
    return ceil(root**2 / difference**2)


def mcnemar_samples(discordant: float, difference: float, aim: Aim) -> int:
    """Return the pairs that McNemar's exact test needs, by `mcnemar_power`.

    The exact test is conservative, so these are some more than `connor` says. The power grows with
    n in small steps up and down; this is where it first stays reached, as bisection finds it.
    """
    return least(
        lambda n: mcnemar_power(n, discordant, difference, aim.alpha) >= aim.power,
        connor(discordant, difference, aim),
    )


def mcnemar_detectable(n: int, discordant: float, aim: Aim) -> float | None:
    """Return the smallest difference that McNemar's exact test shows on n pairs.

    The discordant share stays, except that a larger difference needs as large a share. None where
    n is so small that the test sees nothing at all.
    """
    return smallest(
        lambda delta: mcnemar_power(n, max(discordant, delta), delta, aim.alpha) >= aim.power, 1.0
    )


def mean_samples(variance: float, difference: float, aim: Aim) -> int:
    """Return the samples whose mean differs significantly from 0: ((z_α + z_β)·sd / δ)².

    The variance is that of one sample's value; of a paired test that of its differences, of one
    with K answers a sample between + within / K. Miller, "Adding error bars to evals", arXiv
    2411.00640 (2024), section 5; for two groups the sum of both variances.
    """
    return max(2, ceil(sum(aim.z) ** 2 * variance / difference**2))


def mean_detectable(variance: float, n: int, aim: Aim) -> float:
    """Return the smallest mean that n samples show to differ from 0."""
    return sum(aim.z) * sqrt(variance / n)


def detectable(
    delta: PairedDifference, pair: tuple[Sequence[float], Sequence[float]], level: float
) -> float | None:
    """Return the smallest difference that these pairs show with a power of 80 %.

    For right-or-wrong values by the exact power of McNemar's test at the observed share of
    discordant pairs, for others by the z-test at the observed spread (`nca power`). None
    where nothing was discordant, where differences do not vary, and where so few show nothing.
    `level` is that of the two-sided test, corrected for the number of differences.
    """
    differences = [x - y for x, y in zip(*pair, strict=True)]
    aim = Aim(alpha=level)
    if delta.test == "mcnemar-exact":
        share = sum(map(abs, differences)) / delta.n
        return mcnemar_detectable(delta.n, share, aim) if share else None
    variance = squares(differences) / (delta.n - 1)
    return mean_detectable(variance, delta.n, aim) if variance else None


def unpaired_samples(first: float, second: float, aim: Aim) -> int:
    """Return the samples for each of two accuracies on different prompts.

    n = (z_α·sqrt(2·m·(1 − m)) + z_β·sqrt(p(1 − p) + q(1 − q)))² / (p − q)², m = (p + q) / 2.
    Fleiss, Levin and Paik, "Statistical methods for rates and proportions" (2003), section 4.2,
    without the correction for continuity.
    """
    z_alpha, z_beta = aim.z
    mean = (first + second) / 2
    spread = first * (1 - first) + second * (1 - second)
    root = z_alpha * sqrt(2 * mean * (1 - mean)) + z_beta * sqrt(spread)
    return ceil(root**2 / (first - second) ** 2)


def unpaired_detectable(accuracy: float, n: int, aim: Aim) -> float | None:
    """Return the smallest difference from an accuracy that n samples each show."""
    side = 1 if accuracy <= 0.5 else -1
    return smallest(
        lambda delta: unpaired_samples(accuracy, accuracy + side * delta, aim) <= n,
        max(accuracy, 1 - accuracy),
    )


def discordant_of(first: float, second: float, correlation: float) -> float:
    """Return the discordant share of two accuracies: p(1 − q) + q(1 − p) − 2·ρ·s.

    s = sqrt(p(1 − p)q(1 − q)); ρ is the correlation of the right-or-wrong values over prompts
    (phi); 0 is no pairing at all.
    """
    spread = sqrt(first * (1 - first) * second * (1 - second))
    return first * (1 - second) + second * (1 - first) - 2 * correlation * spread


def correlation_of(first: float, second: float, discordant: float) -> float | None:
    """Return the correlation of a discordant share; None where a series does not vary."""
    spread = sqrt(first * (1 - first) * second * (1 - second))
    apart = first * (1 - second) + second * (1 - first)
    return (apart - discordant) / (2 * spread) if spread else None


def seeds_power(seeds: int, sd: float, difference: float, alpha: float, *, both: bool) -> float:
    """Return the power of the t-test on scores of training runs, one score a seed.

    With S seeds for each of two methods: 2S − 2 degrees of freedom and the noncentrality
    δ / (sd·sqrt(2 / S)); against a fixed score S − 1 and δ / (sd·sqrt(1 / S)). Cohen, "Statistical
    power analysis for the behavioral sciences" (1988), chapter 2.

    Args:
        seeds: S, of each method, at least 2.
        sd: of the score over seeds.
        difference: δ, of the two mean scores.
        alpha: level of the two-sided test.
        both: both sides have several seeds; else one is fixed.
    """
    from scipy.stats import nct, t

    groups = 1 + both
    degrees = groups * (seeds - 1)
    shift = difference / (sd * sqrt(groups / seeds))
    bound = t.ppf(1 - alpha / 2, degrees)
    # Beyond this the distribution lies wholly on one side, and scipy's tail loses its digits.
    other = 0.0 if shift > 30 else float(nct.cdf(-bound, degrees, shift))
    return min(1.0, float(nct.sf(bound, degrees, shift)) + other)


def seeds_needed(sd: float, difference: float, aim: Aim, *, both: bool) -> int:
    """Return the training seeds of each method (at least 2) that give the t-test its power."""
    if sd == 0:
        return 2
    return least(
        lambda seeds: seeds_power(seeds, sd, difference, aim.alpha, both=both) >= aim.power,
        mean_samples((1 + both) * sd**2, difference, aim),
        start=2,
    )


def least(enough: Callable[[int], bool], guess: int, start: int = 1) -> int:
    """Return the least number from `start` for which a growing condition holds.

    Raises:
        ValueError: it would be above `MOST`.
    """
    low, high = start - 1, max(start, guess)
    while high > MOST or not enough(high):
        if high > MOST:
            raise ValueError(f"more than {MOST:,} are needed: ask for a larger difference")
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def smallest(enough: Callable[[float], bool], most: float) -> float | None:
    """Return the least number up to `most` for which a growing condition holds, or None."""
    if not enough(most):
        return None
    low, high = 0.0, most
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _require_pairs(discordant: float, difference: float) -> None:
    if not 0 < difference <= discordant <= 1:
        raise ValueError(
            f"a difference of {difference:g} with a discordant share of {discordant:g}: "
            "0 < difference <= discordant share <= 1"
        )

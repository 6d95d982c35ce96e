"""How sure a number is: intervals, paired differences and corrections, as pure functions.

Every random draw takes a seed. Differences are always first minus second. Repeats of one prompt
are not independent: average them per prompt before they come here, which leaves one value a
prompt and so clusters by prompt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Literal

#: Draws of every bootstrap and of every permutation test.
RESAMPLES = 9_999
#: Up to this many non-zero differences all sign patterns are enumerated (2^13 < RESAMPLES).
_ENUMERATED = 13
#: Up to this many distinct values their counts are drawn instead of the values one by one.
_FEW = 32
#: Values are equal when they differ by less than this share of the largest (sums of floats do).
_SAME = 1e-9
#: Resamples held in memory at once where values are drawn one by one.
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval, in the unit of the value."""

    low: float
    high: float
    confidence: float = 0.95


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """How far two series differ on the same `n` samples: mean of first minus second.

    `p_value` is two-sided and not yet corrected for looking at several differences. `interval` is
    None where it cannot be estimated (graded differences that are all equal).
    """

    delta: float
    interval: Interval | None
    p_value: float
    n: int
    test: Literal["mcnemar-exact", "sign-flip"]


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean with its standard error (None for a single value), in the unit of the values."""

    value: float
    error: float | None
    n: int


def mean(values: Sequence[float]) -> Mean:
    """The mean and its standard error, sample standard deviation / sqrt(n).

    Args:
        values: n numbers.

    Raises:
        ValueError: no values.
    """
    _require(len(values), 1)
    n, centre = len(values), sum(values) / len(values)
    if n == 1:
        return Mean(centre, None, n)
    variance = sum((value - centre) ** 2 for value in values) / (n - 1)
    return Mean(centre, sqrt(variance / n), n)


def is_binary(values: Sequence[float]) -> bool:
    """Whether every value is 0 or 1."""
    return all(value in (0, 1) for value in values)


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """The Wilson score interval of a proportion.

    (p + z²/2n ± z·sqrt(p(1−p)/n + z²/4n²)) / (1 + z²/n), with p = successes/n. Wilson, "Probable
    inference, the law of succession, and statistical inference", JASA 22 (1927).

    Raises:
        ValueError: n is 0, or successes are not between 0 and n.
    """
    from scipy.stats import binomtest

    _require(n, 1)
    bounds = binomtest(successes, n).proportion_ci(confidence_level=confidence, method="wilson")
    return Interval(float(bounds.low), float(bounds.high), confidence)


def bootstrap_mean(
    values: Sequence[float], seed: int, confidence: float = 0.95, resamples: int = RESAMPLES
) -> Interval | None:
    """The percentile bootstrap interval of a mean of graded values; None where all are equal.

    Efron, "Bootstrap methods: another look at the jackknife", Ann. Statist. 7 (1979). Of a series
    without any spread every resample is the same: the interval would have no width, as if unseen
    samples were known. What is right or wrong has `wilson`, which keeps its width there.

    Args:
        values: one number a prompt.
        seed: of the resampling.
        confidence: of the interval.
        resamples: how many.

    Raises:
        ValueError: fewer than two values.
    """
    import numpy as np

    _require(len(values), 2)
    if max(values) - min(values) <= _SAME * max(map(abs, values)):
        return None
    means = _resampled_means(values, np.random.default_rng(seed), resamples)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high), confidence)


def mover_average(means: Sequence[float], intervals: Sequence[Interval]) -> Interval:
    """The interval of the unweighted mean of independent estimates, from their own intervals.

    With m estimates t and limits l, u: mean(t) - sqrt(sum (t - l)^2) / m, and
    mean(t) + sqrt(sum (u - t)^2) / m ("method of variance estimates recovery": Zou and Donner,
    Stat. Med. 27 (2008)). Where all answers of a suite are wrong a bootstrap would have no width;
    this keeps Wilson's. It speaks of other prompts of these suites, not of other suites.

    Raises:
        ValueError: no estimate, or not as many intervals.
    """
    _require(len(means), 1)
    centre, m = sum(means) / len(means), len(means)
    pairs = list(zip(means, intervals, strict=True))
    below = sum((t - interval.low) ** 2 for t, interval in pairs) ** 0.5 / m
    above = sum((interval.high - t) ** 2 for t, interval in pairs) ** 0.5 / m
    return Interval(centre - below, centre + above, intervals[0].confidence)


def paired_difference(
    first: Sequence[float], second: Sequence[float], seed: int, confidence: float = 0.95
) -> PairedDifference:
    """How far two series on the same prompts differ: first minus second.

    Binary values get McNemar's exact test and the Bonett-Price interval, others the sign-flip
    test and the paired bootstrap.

    Args:
        first: one number a prompt.
        second: the numbers of the same prompts in the same order.
        seed: of the resampling; binary values need none.
        confidence: of the interval.

    Raises:
        ValueError: the series differ in length, are empty, or graded and of one value.
    """
    if len(first) != len(second):
        raise ValueError(f"series of different length: {len(first)} and {len(second)}")
    _require(len(first), 1)
    if is_binary(first) and is_binary(second):
        return _mcnemar(first, second, confidence)
    differences = [x - y for x, y in zip(first, second, strict=True)]
    return PairedDifference(
        delta=sum(differences) / len(differences),
        interval=bootstrap_mean(differences, seed, confidence),
        p_value=sign_flip(differences, seed),
        n=len(differences),
        test="sign-flip",
    )


def paired_average(
    pairs: Sequence[tuple[Sequence[float], Sequence[float]]], seed: int
) -> PairedDifference:
    """How far the unweighted means over several suites differ, paired prompt by prompt.

    The interval is `mover_average` of the suites' own differences, None where one of these has
    none; the p-value is `sign_flip` of
    the differences, each weighted by 1 / (number of suites x prompts of its suite).

    Raises:
        ValueError: no suite, series of different length, or one of fewer than two prompts.
    """
    suites = [paired_difference(first, second, seed) for first, second in pairs]
    intervals = [s.interval for s in suites if s.interval is not None]
    whole = len(intervals) == len(suites)
    groups = [[x - y for x, y in zip(first, second, strict=True)] for first, second in pairs]
    weighted = [d / (len(group) * len(groups)) for group in groups for d in group]
    return PairedDifference(
        delta=sum(weighted),
        interval=mover_average([s.delta for s in suites], intervals) if whole else None,
        p_value=sign_flip(weighted, seed),
        n=len(weighted),
        test="sign-flip",
    )


def mcnemar(only_first: int, only_second: int) -> float:
    """McNemar's exact two-sided p-value from the discordant pairs.

    min(1, 2·P[X ≤ min(b, c)]) with X ~ Binomial(b + c, 1/2), b and c the pairs that only the one
    or only the other got right. McNemar, Psychometrika 12 (1947).
    """
    from scipy.stats import binomtest

    discordant = only_first + only_second
    return float(binomtest(only_first, discordant).pvalue) if discordant else 1.0


def bonett_price(only_first: int, only_second: int, n: int, confidence: float = 0.95) -> Interval:
    """The adjusted Wald interval of a difference of paired proportions.

    With p = (b+1)/(n+2) and q = (c+1)/(n+2): p − q ± z·sqrt((p + q − (p − q)²)/(n + 2)), cut at
    ±1. It keeps a width where no pair is discordant. Bonett and Price, "Adjusted Wald confidence
    interval for a difference of binomial proportions based on paired data", J. Educ. Behav.
    Stat. 37 (2012).

    Args:
        only_first: b, pairs that only the first got right.
        only_second: c, pairs that only the second got right.
        n: all pairs.
        confidence: of the interval.
    """
    from scipy.stats import norm

    _require(n, 1)
    p, q = (only_first + 1) / (n + 2), (only_second + 1) / (n + 2)
    half = float(norm.ppf((1 + confidence) / 2)) * sqrt((p + q - (p - q) ** 2) / (n + 2))
    return Interval(max(-1.0, p - q - half), min(1.0, p - q + half), confidence)


def sign_flip(differences: Sequence[float], seed: int, resamples: int = RESAMPLES) -> float:
    """The two-sided p-value that the differences are symmetric about zero.

    The share of sign patterns whose sum is at least as far from zero: all 2^m patterns of the m
    non-zero differences where those are few, else (hits + 1) / (resamples + 1) of random ones.
    Fisher, "The Design of Experiments" (1935), section 21; the +1 after Phipson and Smyth (2010).
    """
    import numpy as np

    sizes = np.abs([d for d in differences if d != 0])
    if not sizes.size:
        return 1.0
    # Sums of the same numbers in another order differ in the last bits: equal must count.
    observed = abs(sum(differences)) - 1e-9 * float(sizes.sum())
    if sizes.size <= _ENUMERATED:
        patterns = (np.arange(2**sizes.size)[:, None] >> np.arange(sizes.size)) & 1
        return float((np.abs((2.0 * patterns - 1) @ sizes) >= observed).mean())
    sums = _flipped_sums(sizes, np.random.default_rng(seed), resamples)
    return (int((np.abs(sums) >= observed).sum()) + 1) / (resamples + 1)


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's step-down adjusted p-values, in the order given.

    The k-th smallest of m becomes the largest so far of min(1, (m − k + 1)·p). Holm, "A simple
    sequentially rejective multiple test procedure", Scand. J. Statist. 6 (1979).
    """
    adjusted, floor = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        floor = max(floor, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = floor
    return tuple(adjusted)


def _resampled_means(values: Sequence[float], rng: Any, resamples: int) -> Any:
    """Means of `resamples` draws with replacement; shape (resamples,).

    Where few values are distinct, their counts are drawn at once (multinomial): the same
    distribution as drawing value by value, and a hundred times quicker for right-or-wrong suites.
    """
    import numpy as np

    distinct, counts = np.unique(np.asarray(values, dtype=float), return_counts=True)
    n = len(values)
    if distinct.size <= _FEW:
        return rng.multinomial(n, counts / n, resamples) @ distinct / n
    pool = np.asarray(values, dtype=float)
    batches = [min(_BATCH, resamples - start) for start in range(0, resamples, _BATCH)]
    drawn = (pool[rng.integers(0, n, (rows, n), dtype=np.int32)] for rows in batches)
    return np.concatenate([rows.mean(axis=1) for rows in drawn])


def _flipped_sums(sizes: Any, rng: Any, resamples: int) -> Any:
    """Sums of the sizes under random signs; shape (resamples,). Equal sizes are drawn at once."""
    import numpy as np

    distinct, counts = np.unique(sizes, return_counts=True)
    if distinct.size <= _FEW:
        return (2.0 * rng.binomial(counts, 0.5, (resamples, distinct.size)) - counts) @ distinct
    batches = [min(_BATCH, resamples - start) for start in range(0, resamples, _BATCH)]
    signs = (2.0 * rng.integers(0, 2, (rows, sizes.size), dtype=np.int8) - 1 for rows in batches)
    return np.concatenate([rows @ sizes for rows in signs])


def _mcnemar(
    first: Sequence[float], second: Sequence[float], confidence: float
) -> PairedDifference:
    only_first = sum(x > y for x, y in zip(first, second, strict=True))
    only_second = sum(x < y for x, y in zip(first, second, strict=True))
    n = len(first)
    return PairedDifference(
        delta=(only_first - only_second) / n,
        interval=bonett_price(only_first, only_second, n, confidence),
        p_value=mcnemar(only_first, only_second),
        n=n,
        test="mcnemar-exact",
    )


def _require(n: int, least: int) -> None:
    if n < least:
        raise ValueError(f"at least {least} value{'s' * (least > 1)} needed, got {n}")

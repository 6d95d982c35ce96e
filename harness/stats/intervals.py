"""Intervals of means and of proportions."""

from collections.abc import Sequence

from harness.stats.records import Interval, require
from harness.stats.resampling import bootstrap_means


def is_binary(values: Sequence[float]) -> bool:
    """Return True if every value is 0 or 1."""
    return all(value in (0, 1) for value in values)


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Return the Wilson score interval of a proportion.

    (p + z²/2n ± z·sqrt(p(1−p)/n + z²/4n²)) / (1 + z²/n), with p = successes/n. Wilson, "Probable
    inference, the law of succession, and statistical inference", JASA 22 (1927).

    Raises:
        ValueError: n is 0, or successes are not between 0 and n.
    """
    from scipy.stats import binomtest

    require(n, 1)
    bounds = binomtest(successes, n).proportion_ci(confidence_level=confidence, method="wilson")
    return Interval(float(bounds.low), float(bounds.high), confidence)


def mean_intervals(
    series: Sequence[Sequence[float]], seed: int, *, graded: bool = False
) -> list[Interval | None]:
    """Return the 95 % interval of each mean: Wilson's for right or wrong, else a bootstrap's.

    Each series has one value a prompt. None for a single graded value, and for graded values that
    are all equal; with `graded` values are no fractions, though all may happen to be 0 or 1.

    Raises:
        ValueError: a series is empty.
    """
    binary = [not graded and is_binary(values) for values in series]
    intervals = [
        wilson(round(sum(values)), len(values)) if right_or_wrong else None
        for values, right_or_wrong in zip(series, binary, strict=True)
    ]
    rest = [i for i, values in enumerate(series) if not binary[i] and len(values) > 1]
    for i, interval in zip(rest, bootstrap_means([series[i] for i in rest], seed), strict=True):
        intervals[i] = interval
    return intervals


def mover_average(means: Sequence[float], intervals: Sequence[Interval]) -> Interval:
    """Return the interval of the unweighted mean of independent estimates, from theirs.

    With m estimates t and limits l, u: mean(t) - sqrt(sum (t - l)^2) / m, and
    mean(t) + sqrt(sum (u - t)^2) / m ("method of variance estimates recovery": Zou and Donner,
    Stat. Med. 27 (2008)). Where all answers of a suite are wrong a bootstrap would have no width;
    this keeps Wilson's. It speaks of other prompts of these suites, not of other suites.

    Raises:
        ValueError: no estimate, or not as many intervals.
    """
    require(len(means), 1)
    centre, m = sum(means) / len(means), len(means)
    pairs = list(zip(means, intervals, strict=True))
    below = sum((t - interval.low) ** 2 for t, interval in pairs) ** 0.5 / m
    above = sum((interval.high - t) ** 2 for t, interval in pairs) ** 0.5 / m
    return Interval(centre - below, centre + above, intervals[0].confidence)

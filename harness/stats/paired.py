"""Paired differences, always first minus second, and win rates before a judge, who may tie."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from harness.stats.intervals import is_binary, mover_average
from harness.stats.records import Interval, PairedDifference, require
from harness.stats.resampling import bootstrap_means, sign_flips

Pair = tuple[Sequence[float], Sequence[float]]


@dataclass(frozen=True, slots=True)
class WinRate:
    """The share of wins, a tie being half of one; `p_value` is that of 1/2, two-sided."""

    value: float
    interval: Interval
    p_value: float
    n: int


def paired_differences(
    pairs: Sequence[Pair], seed: int, confidence: float = 0.95, *, graded: bool = False
) -> list[PairedDifference]:
    """Return the difference of each pair of series on the same prompts: first minus second.

    Binary values get McNemar's exact test and the Bonett-Price interval, others the sign-flip
    test and the paired bootstrap.

    Args:
        pairs: two series each, one number a prompt, of the same prompts in the same order.
        seed: of the resampling; binary values need none.
        confidence: of the intervals.
        graded: values are no fractions, though all may happen to be 0 or 1.

    Raises:
        ValueError: the series differ in length, are empty, or graded and of one value.
    """
    for first, second in pairs:
        if len(first) != len(second):
            raise ValueError(f"series of different length: {len(first)} and {len(second)}")
        require(len(first), 1)
    exact = [
        None if graded or not (is_binary(x) and is_binary(y)) else _mcnemar(x, y, confidence)
        for x, y in pairs
    ]
    rest = [_differences(pair) for pair, test in zip(pairs, exact, strict=True) if test is None]
    intervals, p_values = bootstrap_means(rest, seed, confidence), sign_flips(rest, seed)
    others = (
        PairedDifference(sum(own) / len(own), interval, p_value, len(own), "sign-flip")
        for own, interval, p_value in zip(rest, intervals, p_values, strict=True)
    )
    return [next(others) if test is None else test for test in exact]


def paired_averages(rows: Sequence[Sequence[Pair]], seed: int) -> list[PairedDifference]:
    """Return the difference of the unweighted means over suites, of each row of suites.

    Prompts are paired within each suite. The interval is `mover_average` of the suites' own
    differences, None where one of these has none; the p-value is that of `sign_flips` on the
    differences, each weighted by 1 / (number of suites x prompts of its suite).

    Raises:
        ValueError: no suite, series of different length, or one of fewer than two prompts.
    """
    suites = iter(paired_differences([pair for row in rows for pair in row], seed))
    weighted = [
        [d / (len(pair[0]) * len(row)) for pair in row for d in _differences(pair)] for row in rows
    ]
    averages = []
    for row, differences, p in zip(rows, weighted, sign_flips(weighted, seed), strict=True):
        own = [next(suites) for _ in row]
        intervals = [suite.interval for suite in own if suite.interval is not None]
        whole = len(intervals) == len(own)
        interval = mover_average([suite.delta for suite in own], intervals) if whole else None
        average = PairedDifference(sum(differences), interval, p, len(differences), "sign-flip")
        averages.append(average)
    return averages


def mcnemar(only_first: int, only_second: int) -> float:
    """Return McNemar's exact two-sided p-value from the discordant pairs.

    min(1, 2·P[X ≤ min(b, c)]) with X ~ Binomial(b + c, 1/2), b and c the pairs that only the one
    or only the other got right. McNemar, Psychometrika 12 (1947).
    """
    from scipy.stats import binomtest

    discordant = only_first + only_second
    return float(binomtest(only_first, discordant).pvalue) if discordant else 1.0


def bonett_price(only_first: int, only_second: int, n: int, confidence: float = 0.95) -> Interval:
    """Return the adjusted Wald interval of a difference of paired proportions.

    With b pairs of n that only the first got right, c that only the second did, p = (b+1)/(n+2)
    and q = (c+1)/(n+2): p − q ± z·sqrt((p + q − (p − q)²)/(n + 2)), cut at ±1. It keeps a width
    where no pair is discordant. Bonett and Price, "Adjusted Wald confidence interval for a
    difference of binomial proportions based on paired data", J. Educ. Behav. Stat. 37 (2012).
    """
    from scipy.stats import norm

    require(n, 1)
    p, q = (only_first + 1) / (n + 2), (only_second + 1) / (n + 2)
    half = float(norm.ppf((1 + confidence) / 2)) * sqrt((p + q - (p - q) ** 2) / (n + 2))
    return Interval(max(-1.0, p - q - half), min(1.0, p - q + half), confidence)


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return Holm's step-down adjusted p-values, in the order given.

    The k-th smallest of m becomes the largest so far of min(1, (m − k + 1)·p). Holm, "A simple
    sequentially rejective multiple test procedure", Scand. J. Statist. 6 (1979).
    """
    adjusted, floor = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        floor = max(floor, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = floor
    return tuple(adjusted)


def win_rate(wins: int, ties: int, losses: int, confidence: float = 0.95) -> WinRate:
    """Return (wins + ties / 2) / n, with its interval and the exact sign test.

    A win rate is 1/2 + (wins − losses) / 2n, and wins and losses are what discordant pairs are to
    two proportions: the interval is half of `bonett_price`'s about 1/2, which keeps its width
    where all are wins or all are ties; the p-value is the exact sign test of wins against losses,
    ties left out (Dixon and Mood, "The statistical sign test", JASA 41 (1946)).

    Raises:
        ValueError: nothing was judged.
    """
    n = wins + ties + losses
    around = bonett_price(wins, losses, n, confidence)
    interval = Interval(0.5 + around.low / 2, 0.5 + around.high / 2, confidence)
    return WinRate((wins + ties / 2) / n, interval, mcnemar(wins, losses), n)


def is_won_or_tied(values: Sequence[float]) -> bool:
    """Return True if all values are losses (0), ties (1/2) or wins (1), and some are ties."""
    return 0.5 in values and all(value in (0, 0.5, 1) for value in values)


def _differences(pair: Pair) -> list[float]:
    return [x - y for x, y in zip(*pair, strict=True)]


def _mcnemar(
    first: Sequence[float], second: Sequence[float], confidence: float
) -> PairedDifference:
    only_first = sum(x > y for x, y in zip(first, second, strict=True))
    only_second = sum(x < y for x, y in zip(first, second, strict=True))
    n, interval = len(first), bonett_price(only_first, only_second, len(first), confidence)
    p_value = mcnemar(only_first, only_second)
    return PairedDifference((only_first - only_second) / n, interval, p_value, n, "mcnemar-exact")

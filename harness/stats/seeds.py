"""The spread of scores over training seeds, and differences of methods over seeds and prompts.

A checkpoint is one training run. A method has several, and then both the seeds and the shared
prompts are random.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from harness.stats.records import Interval, require, squares

#: The least number of training runs of a method that is compared with another.
LEAST_SEEDS = 3


@dataclass(frozen=True, slots=True)
class SeedSpread:
    """The standard deviation of scores over training seeds, with its 95 % interval."""

    sd: float
    interval: Interval
    degrees: int


@dataclass(frozen=True, slots=True)
class MethodDifference:
    """The difference of two methods, first minus second, over their seeds and shared prompts.

    Attributes:
        delta: difference of the means over seeds and prompts.
        interval: 95 %, of other seeds and other prompts at once.
        p_value: two-sided, not yet corrected.
        of_seeds: standard error that the seeds bring; `of_prompts` that of the prompts.
        seeds: of the first and of the second.
    """

    delta: float
    interval: Interval
    p_value: float
    of_seeds: float
    of_prompts: float
    seeds: tuple[int, int]


def seed_spread(groups: Sequence[Sequence[float]]) -> SeedSpread | None:
    """Return the spread over seeds, pooled over methods; None where no method has two.

    Of each method there is a score a seed. sd² = sum of squares about each method's mean / (seeds
    − methods); its interval by the chi-square distribution of that sum.
    """
    from scipy.stats import chi2

    several = [scores for scores in groups if len(scores) > 1]
    degrees = sum(len(scores) - 1 for scores in several)
    if not degrees:
        return None
    summed = sum(squares(scores) for scores in several)
    low, high = (sqrt(summed / chi2.ppf(p, degrees)) for p in (0.975, 0.025))
    return SeedSpread(sqrt(summed / degrees), Interval(low, high), degrees)


def method_difference(
    first: Sequence[Sequence[float]], second: Sequence[Sequence[float]]
) -> MethodDifference:
    """Return the difference of two methods, with seeds and prompts both taken as draws.

    The variance is the sum of two: that of the mean over seeds, s²/S for each method (Welch), and
    that of the mean over prompts of the difference of the seeds' means, s²/n. What seed and prompt
    do together is in both, which errs to the wide side (two-way clustering without its last term:
    Cameron, Gelbach and Miller, J. Bus. Econ. Stat. 29 (2011)). Degrees of freedom after
    Satterthwaite, Biometrics Bull. 2 (1946). A single series, such as the model before training,
    is taken as it is: it has no seed. Of each method there is a series a seed, one value a prompt;
    all of the same prompts in the same order.

    Raises:
        ValueError: fewer than two prompts, series of different length, or neither has two seeds.
    """
    from scipy.stats import t

    if len({len(series) for series in (*first, *second)}) != 1:
        raise ValueError("series of different length")
    require(len(first[0]), 2)
    seeds = len(first), len(second)
    require(max(seeds), 2)
    ours, theirs = ([sum(v) / len(v) for v in zip(*s, strict=True)] for s in (first, second))
    differences = [a - b for a, b in zip(ours, theirs, strict=True)]
    n, delta = len(differences), sum(differences) / len(differences)
    terms = [_seed_term(first), _seed_term(second), (squares(differences) / (n - 1) / n, n - 1)]
    variance = sum(term for term, _ in terms)
    if variance == 0:
        # A difference without any spread is never significant.
        return MethodDifference(delta, Interval(delta, delta), 1.0, 0.0, 0.0, seeds)
    degrees = variance**2 / sum(term**2 / free for term, free in terms if free)
    half = float(t.ppf(0.975, degrees)) * sqrt(variance)
    return MethodDifference(
        delta=delta,
        interval=Interval(delta - half, delta + half),
        p_value=float(2 * t.sf(abs(delta) / sqrt(variance), degrees)),
        of_seeds=sqrt(terms[0][0] + terms[1][0]),
        of_prompts=sqrt(terms[2][0]),
        seeds=seeds,
    )


def _seed_term(series: Sequence[Sequence[float]]) -> tuple[float, int]:
    """Return the variance of the mean over seeds, and its degrees of freedom."""
    free = len(series) - 1
    scores = [sum(values) / len(values) for values in series]
    return (squares(scores) / free / len(series), free) if free else (0.0, 0)

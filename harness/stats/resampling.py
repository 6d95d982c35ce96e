"""Bootstrap and sign flips of many series at once.

Series of equal length share their draws of prompts or signs, so that applying one draw to a
hundred series is one product of matrices. The draws depend on length and seed alone, so a series
gets the same numbers alone as with others.
"""

from collections.abc import Iterator, Sequence
from math import sqrt
from typing import Any

from harness.stats.records import Interval, require

#: Draws of every bootstrap and of every permutation test.
RESAMPLES = 9_999
#: Up to this many non-zero differences all sign patterns are enumerated (2^13 < RESAMPLES).
_ENUMERATED = 13
#: Values are equal when they differ by less than this share of the largest (sums of floats do).
_SAME = 1e-9
#: Numbers drawn at once: more need more memory and are no quicker.
_HELD = 1_000_000

Series = Sequence[float]


def bootstrap_means(
    series: Sequence[Series], seed: int, confidence: float = 0.95, resamples: int = RESAMPLES
) -> list[Interval | None]:
    """Return the expanded percentile bootstrap interval of each mean; None where all are equal.

    Each series has one number a prompt. Efron, "Bootstrap methods: another look at the jackknife",
    Ann. Statist. 7 (1979). Of n values the plain percentile interval is too narrow by
    sqrt((n − 1)/n) and by normal in place of t quantiles; its tails are therefore taken at
    Φ(−sqrt(n/(n − 1))·t(n − 1)): Hesterberg, "What teachers should know about the bootstrap",
    Amer. Statist. 69 (2015), section 4.3. A series without any spread would give an interval
    without width; right-or-wrong values have `wilson`, which keeps its width there.

    Raises:
        ValueError: a series has fewer than two values.
    """
    import numpy as np
    from scipy.stats import norm, t

    intervals: list[Interval | None] = [None] * len(series)
    for values in series:
        require(len(values), 2)
    uneven = [i for i, v in enumerate(series) if max(v) - min(v) > _SAME * max(map(abs, v))]
    for n in {len(series[i]) for i in uneven}:
        indexes = [i for i in uneven if len(series[i]) == n]
        matrix = np.array([series[i] for i in indexes], dtype=float).T
        means = [counts @ matrix for counts in _draws(n, seed, resamples)]
        tail = float(norm.cdf(sqrt(n / (n - 1)) * t.ppf((1 - confidence) / 2, n - 1)))
        bounds = np.quantile(np.concatenate(means) / n, [tail, 1 - tail], axis=0)
        for i, (low, high) in zip(indexes, bounds.T, strict=True):
            intervals[i] = Interval(float(low), float(high), confidence)
    return intervals


def sign_flips(series: Sequence[Series], seed: int, resamples: int = RESAMPLES) -> list[float]:
    """Return the two-sided p-value of each series that its values are symmetric about zero.

    The share of sign patterns whose sum is at least as far from zero: all 2^m patterns of the m
    non-zero differences where those are few, else (hits + 1) / (resamples + 1) of random ones.
    Fisher, "The Design of Experiments" (1935), section 21; the +1 after Phipson and Smyth (2010).
    """
    import numpy as np

    p_values = [1.0] * len(series)
    many = []
    for i, differences in enumerate(series):
        sizes = np.abs([d for d in differences if d != 0])
        if sizes.size > _ENUMERATED:
            many.append(i)
        elif sizes.size:
            patterns = (np.arange(2**sizes.size)[:, None] >> np.arange(sizes.size)) & 1
            sums = np.abs((2.0 * patterns - 1) @ sizes)
            p_values[i] = float((sums >= _reach(differences)).mean())
    for n in {len(series[i]) for i in many}:
        indexes = [i for i in many if len(series[i]) == n]
        sizes = np.abs(np.array([series[i] for i in indexes], dtype=float).T)
        reach = np.array([_reach(series[i]) for i in indexes])
        hits = np.zeros(len(indexes), dtype=int)
        for heads in _draws(n, seed, resamples, coins=True):
            hits += (np.abs(2 * (heads @ sizes) - sizes.sum(axis=0)) >= reach).sum(axis=0)
        for i, count in zip(indexes, hits, strict=True):
            p_values[i] = (int(count) + 1) / (resamples + 1)
    return p_values


def _reach(differences: Series) -> float:
    """Return the least distance from zero of a sum that counts.

    Sums of the same numbers in another order differ in the last bits, and must count as equal.
    """
    return abs(sum(differences)) - _SAME * sum(map(abs, differences))


def _draws(n: int, seed: int, resamples: int, *, coins: bool = False) -> Iterator[Any]:
    """Yield the counts of n values in resamples, in blocks of shape (some resamples, n).

    With `coins` it is a fair coin, 0 or 1, for each value.
    """
    import numpy as np

    block: Any
    rng, step = np.random.default_rng(seed), max(1, _HELD // n)
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        if coins:
            thrown = np.frombuffer(rng.bytes(-(-rows * n // 8)), dtype=np.uint8)
            block = np.unpackbits(thrown, count=rows * n)
        else:
            drawn = rng.integers(0, n, (rows, n), dtype=np.int32)
            drawn += np.arange(0, rows * n, n, dtype=np.int32)[:, None]
            block = np.bincount(drawn.ravel(), minlength=rows * n)
        yield block.reshape(rows, n).astype(float)

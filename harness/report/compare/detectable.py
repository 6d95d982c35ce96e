"""The smallest difference that the prompts of a suite would show."""

from collections.abc import Sequence

from harness.stats.power.sizes import Aim, mcnemar_detectable, mean_detectable
from harness.stats.records import PairedDifference

#: How often a difference that is there should be seen.
POWER = 0.8


def detectable(
    delta: PairedDifference, pair: tuple[Sequence[float], Sequence[float]], level: float
) -> float | None:
    """Return the smallest difference that these pairs show with a power of 80 %.

    For right-or-wrong values by the exact power of McNemar's test at the observed share of
    discordant pairs, for others by the z-test at the observed spread (`nca power`). None
    where nothing was discordant, where differences do not vary, and where so few show nothing.

    Args:
        delta: the observed difference.
        pair: the values of both, by prompt.
        level: of the two-sided test, corrected for the number of differences.
    """
    differences = [x - y for x, y in zip(*pair, strict=True)]
    aim = Aim(POWER, level)
    if delta.test == "mcnemar-exact":
        share = sum(map(abs, differences)) / delta.n
        return mcnemar_detectable(delta.n, share, aim) if share else None
    variance = sum((d - delta.delta) ** 2 for d in differences) / (delta.n - 1)
    return mean_detectable(variance, delta.n, aim) if variance else None

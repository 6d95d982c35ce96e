"""Win rates of two models before a judge, who may call a tie."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.stats.paired import bonett_price, mcnemar
from harness.stats.records import Interval


@dataclass(frozen=True, slots=True)
class WinRate:
    """The share of wins, a tie being half of one; `p_value` is that of 1/2, two-sided."""

    value: float
    interval: Interval
    p_value: float
    n: int


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

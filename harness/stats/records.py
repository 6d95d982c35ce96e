"""The records of the statistics: intervals, means and paired differences."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval, in the unit of the value."""

    low: float
    high: float
    confidence: float = 0.95


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean with its standard error (None for a single value), in the unit of the values."""

    value: float
    error: float | None
    n: int


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """The difference of two series on the same `n` samples: mean of first minus second.

    `p_value` is two-sided and not yet corrected for looking at several differences. `interval` is
    None where it cannot be estimated (graded differences that are all equal).
    """

    delta: float
    interval: Interval | None
    p_value: float
    n: int
    test: Literal["mcnemar-exact", "sign-flip"]


def squares(values: Sequence[float]) -> float:
    """Return the sum of squares about the mean."""
    centre = sum(values) / len(values)
    return sum((value - centre) ** 2 for value in values)


def require(n: int, least: int) -> None:
    """Raise ValueError where a series is too short."""
    if n < least:
        raise ValueError(f"at least {least} value{'s' * (least > 1)} needed, got {n}")

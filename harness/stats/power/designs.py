"""The samples that each design needs: paired, unpaired, with repeats, with seeds."""

from dataclasses import dataclass

from harness.errors import RecipeError
from harness.stats.power.pairing import Pairing
from harness.stats.power.sizes import (
    Aim,
    correlation_of,
    discordant_of,
    mcnemar_detectable,
    mcnemar_samples,
    mean_detectable,
    mean_samples,
    unpaired_detectable,
    unpaired_samples,
)

_SIGN_FLIP = "sign-flip test, power of the z-test"


@dataclass(frozen=True, slots=True)
class Design:
    """One way to measure a difference.

    Attributes:
        name: in words.
        test: that decides, and how its power is computed.
        samples: prompts (for each checkpoint) that see the difference asked for.
        samples_low: those if the discordant share is at the lower end of its 95 % interval.
        samples_high: those at its upper end.
        detectable: smallest difference that the prompts at hand see; None where their number is
            not known, or where they see none.
    """

    name: str
    test: str
    samples: int
    samples_low: int | None = None
    samples_high: int | None = None
    detectable: float | None = None


@dataclass(frozen=True, slots=True)
class SeedPlan:
    """Training seeds of each method that see the difference, at the spread and at its bounds."""

    needed: int
    low: int
    high: int


def assumed(
    accuracy: float,
    difference: float,
    discordant: float | None,
    correlation: float | None,
    samples: int | None,
) -> Pairing:
    """Return a pairing of right-or-wrong values from assumed figures.

    Args:
        accuracy: the baseline's; the other's is larger by the difference (smaller, where it would
            be above 1).
        difference: as a fraction.
        discordant: share of prompts that only one gets right; this or `correlation`.
        correlation: of right and wrong over prompts.
        samples: prompts at hand.

    Raises:
        RecipeError: such figures cannot be.
    """
    if (discordant is None) == (correlation is None):
        raise RecipeError("give --discordant or --correlation with --accuracy, one of the two")
    other = _other(accuracy, difference)
    if not 0 < accuracy < 1 or not 0 <= other <= 1:
        raise RecipeError(f"--accuracy {accuracy:g}: it and {other:g} must lie within 0 and 1")
    most = min(accuracy + other, 2 - accuracy - other)
    share = discordant_of(accuracy, other, correlation) if correlation is not None else discordant
    # A correlation that leaves exactly the difference may miss it by the last bits.
    if share is None or not difference - 1e-9 <= share <= most + 1e-9:
        low, high = (correlation_of(accuracy, other, s) for s in (most, difference))
        unknown = low is None or high is None
        raise RecipeError(
            f"accuracies {accuracy:g} and {other:g} have a discordant share between "
            f"{difference:g} and {most:g}"
            + ("" if unknown else f" (a correlation of {low:.2f} to {high:.2f})")
        )
    share = min(max(share, difference), most)
    spreads = accuracy * (1 - accuracy), other * (1 - other)
    implied = correlation_of(accuracy, other, share)
    variance = share - difference**2
    return Pairing(accuracy, other, samples, 1, share, implied, spreads, variance, measured=False)


def designs(pairing: Pairing, difference: float, aim: Aim) -> tuple[Design, ...]:
    """Return the designs of a pairing: paired first, then unpaired, then repeats."""

    def of_mean(name: str, test: str, variance: float) -> Design:
        seen = mean_detectable(variance, pairing.n, aim) if pairing.n else None
        return Design(name, test, mean_samples(variance, difference, aim), detectable=seen)

    if pairing.discordant is None:
        paired = of_mean("paired", _SIGN_FLIP, pairing.variance)
        unpaired = of_mean("unpaired", "z-test of two means", sum(pairing.spreads))
    else:
        paired = _mcnemar(pairing, pairing.discordant, difference, aim)
        needed = unpaired_samples(pairing.first, _other(pairing.first, difference), aim)
        seen = unpaired_detectable(pairing.first, pairing.n, aim) if pairing.n else None
        unpaired = Design("unpaired", "z-test of two proportions", needed, detectable=seen)
    repeated = (
        of_mean(
            f"paired, {answers or 'unlimited'} answer{'s' * (answers != 1)} a prompt", _SIGN_FLIP, v
        )
        for answers in (1, 2, 4, 8, None)
        if (v := pairing.variance_with(answers)) is not None
    )
    return (paired, unpaired, *repeated)


def _mcnemar(pairing: Pairing, share: float, difference: float, aim: Aim) -> Design:
    bounds = pairing.discordant_bounds
    shares = [share, *((bounds.low, bounds.high) if bounds else ())]
    needed = [mcnemar_samples(max(s, difference), difference, aim) for s in shares]
    seen = mcnemar_detectable(pairing.n, share, aim) if pairing.n else None
    low, high = needed[1:] or (None, None)
    return Design("paired", "McNemar's exact test, exact power", needed[0], low, high, seen)


def _other(accuracy: float, difference: float) -> float:
    return accuracy + difference if accuracy + difference <= 1 else accuracy - difference

"""Noise in the per-sample values of two checkpoints: pairing, repeats and seeds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, variance

from harness.errors import RunError
from harness.stats.intervals import is_binary, wilson
from harness.stats.methods import SEED, seed_of
from harness.stats.records import Interval
from harness.stats.seeds import seed_spread
from harness.stats.series import answers, by_repeat, paired_values
from harness.storage.result import Result, SuiteResult


@dataclass(frozen=True, slots=True)
class Pairing:
    """The joint spread of two series of values on the same prompts."""

    first: float  # mean of the baseline's values
    second: float  # mean of the other's
    n: int | None  # shared prompts; None where they are not stated
    repeats: int  # answers to each
    # Share of prompts that only one gets right; None unless each has one answer, right or wrong.
    discordant: float | None
    correlation: float | None  # of the two series over prompts; None where one does not vary
    spreads: tuple[float, float]  # variances of the two series over prompts, repeats averaged
    variance: float  # of the differences, repeats averaged
    # Variance of one answer about its prompt's mean, summed over both; None without repeats.
    within: float | None = None
    measured: bool = True  # the figures come from n prompts; else they are assumed

    @property
    def discordant_bounds(self) -> Interval | None:
        """Return Wilson's 95 % interval of the discordant share; None if not measured."""
        if self.discordant is None or self.n is None or not self.measured:
            return None
        return wilson(round(self.discordant * self.n), self.n)

    def variance_with(self, answers: int | None) -> float | None:
        """Return the variance of differences with so many answers a prompt; None: infinitely many.

        between + within / K, where between is the observed variance less within / repeats (not
        below 0). None where `within` is not known.
        """
        if self.within is None:
            return None
        between = max(0.0, self.variance - self.within / self.repeats)
        return between + (self.within / answers if answers else 0.0)


@dataclass(frozen=True, slots=True)
class Seeds:
    """The spread of the scores of training runs that differ in the seed alone."""

    sd: float  # pooled over both methods, in the unit of the values
    interval: Interval  # 95 % of it, by the chi-square distribution; from few seeds it is wide
    counts: tuple[int, int]  # seeds of the checkpoint and of the baseline

    @property
    def both(self) -> bool:
        """Return True if the baseline has several seeds too; else it is taken as fixed."""
        return self.counts[1] > 1


def pairing(first: SuiteResult, second: SuiteResult) -> Pairing:
    """Return the pairing of two checkpoints on one suite.

    Raises RunError where they share fewer than two prompts that have a value for both.
    """
    ours, theirs = paired_values(first, second)
    if len(ours) < 2:
        raise RunError(f"{first.suite}: {len(ours)} shared prompts with values, two are needed")
    repeats = min(len({sample.repeat for sample in suite.samples}) for suite in (first, second))
    single = repeats == 1 and is_binary(ours) and is_binary(theirs)
    differences = [x - y for x, y in zip(ours, theirs, strict=True)]
    within, other = _within(first), _within(second)
    return Pairing(
        first=fmean(ours),
        second=fmean(theirs),
        n=len(ours),
        repeats=repeats,
        discordant=fmean(map(abs, differences)) if single else None,
        correlation=_correlation(ours, theirs),
        spreads=(variance(ours), variance(theirs)),
        variance=variance(differences),
        within=None if within is None or other is None else within + other,
    )


def averaged(pairings: Sequence[Pairing]) -> Pairing:
    """Return the mean of several pairings of one suite, one a training seed."""
    return Pairing(
        first=fmean(p.first for p in pairings),
        second=fmean(p.second for p in pairings),
        n=min((p.n for p in pairings if p.n is not None), default=None),
        repeats=min(p.repeats for p in pairings),
        discordant=_mean(p.discordant for p in pairings),
        correlation=_mean(p.correlation for p in pairings),
        spreads=(fmean(p.spreads[0] for p in pairings), fmean(p.spreads[1] for p in pairings)),
        variance=fmean(p.variance for p in pairings),
        within=_mean(p.within for p in pairings),
    )


def family(result: Result, name: str, suite: str) -> dict[str, SuiteResult]:
    """Return the checkpoints that differ from the named one in the seed alone, by name.

    Names decide, as `sweep: {seed: [...]}` gives them: `nca-seed0`, `nca-seed1`.
    `nca` stands for all of them where no checkpoint has that very name. Raises RunError, listing
    those there are, where there is none of that name with that suite.
    """
    stem = SEED.sub("", name)
    members = {
        c.name: c.suites[suite]
        for c in result.checkpoints
        if suite in c.suites and (c.name == name or SEED.sub("", c.name) == stem)
    }
    if not members:
        names = ", ".join(c.name for c in result.checkpoints if suite in c.suites)
        raise RunError(f"run {result.recipe} has no {name!r} with {suite}: it has {names}")
    return {name: members[name]} if name in members and not SEED.search(name) else members


def pairs_of(
    name: str, baseline: str, ours: Mapping[str, SuiteResult], theirs: Mapping[str, SuiteResult]
) -> list[tuple[SuiteResult, SuiteResult]]:
    """Return (baseline, checkpoint) pairs: the named ones, else those of equal seeds.

    A seed without its equal is paired with the baseline's first.
    """
    if name in ours:
        ours = {name: ours[name]}
    if baseline in theirs:
        theirs = {baseline: theirs[baseline]}
    by_seed = {seed_of(other): score for other, score in theirs.items()}
    first = next(iter(theirs.values()))
    return [(by_seed.get(seed_of(own), first), score) for own, score in ours.items()]


def seeds(ours: Mapping[str, SuiteResult], theirs: Mapping[str, SuiteResult]) -> Seeds | None:
    """Return the spread over seeds on these prompts; None where neither method has two."""
    spread = seed_spread([_scores(ours), _scores(theirs)])
    return None if spread is None else Seeds(spread.sd, spread.interval, (len(ours), len(theirs)))


def _scores(members: Mapping[str, SuiteResult]) -> list[float]:
    """Return the mean value of each, over the answers that all of them have."""
    tables = list(map(by_repeat, members.values()))
    shared = sorted(set.intersection(*map(set, tables)))
    return [fmean(table[key] for key in shared) for table in tables] if shared else []


def _within(suite: SuiteResult) -> float | None:
    """Return the mean variance of a prompt's answers; None without repeats."""
    return _mean(variance(values) for values in answers(suite).values() if len(values) > 1)


def _correlation(xs: Sequence[float], ys: Sequence[float]) -> float | None:
    first, second = fmean(xs), fmean(ys)
    spread = sqrt(sum((x - first) ** 2 for x in xs) * sum((y - second) ** 2 for y in ys))
    shared = sum((x - first) * (y - second) for x, y in zip(xs, ys, strict=True))
    return shared / spread if spread else None


def _mean(values: Iterable[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return fmean(present) if present else None

"""What two checkpoints' per-sample values say about noise: how they pair, repeats, seeds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, variance

from harness.errors import RunError
from harness.stats.intervals import is_binary, wilson
from harness.stats.methods import SEED
from harness.stats.records import Interval
from harness.stats.seeds import seed_spread
from harness.stats.series import paired_values
from harness.storage.result import Result, SuiteResult


@dataclass(frozen=True, slots=True)
class Pairing:
    """How two series of values on the same prompts go together.

    Attributes:
        first: mean of the baseline's values.
        second: mean of the other's.
        n: prompts that both have; None where that is not said.
        repeats: answers a prompt.
        discordant: share of prompts that only one gets right; None unless each has one answer
            that is right or wrong.
        correlation: of the two series over prompts; None where one does not vary.
        spreads: variances of the two series over prompts, repeats averaged.
        variance: of the differences, repeats averaged.
        within: variance of one answer about its prompt's mean, summed over both; None where no
            prompt has several answers.
        measured: whether the figures come from n prompts; else somebody assumes them.
    """

    first: float
    second: float
    n: int | None
    repeats: int
    discordant: float | None
    correlation: float | None
    spreads: tuple[float, float]
    variance: float
    within: float | None = None
    measured: bool = True

    @property
    def discordant_bounds(self) -> Interval | None:
        """95 % interval (Wilson's) of the discordant share; None where it is not measured."""
        if self.discordant is None or self.n is None or not self.measured:
            return None
        return wilson(round(self.discordant * self.n), self.n)

    def variance_with(self, answers: int | None) -> float | None:
        """Of the differences with so many answers a prompt, None standing for no end of them.

        between + within / K, where between is the observed variance less within / repeats (not
        below 0). None where `within` is not known.
        """
        if self.within is None:
            return None
        between = max(0.0, self.variance - self.within / self.repeats)
        return between + (self.within / answers if answers else 0.0)


@dataclass(frozen=True, slots=True)
class Seeds:
    """How far scores of training runs that differ in the seed alone lie apart.

    Attributes:
        sd: pooled over both methods, in the unit of the values.
        interval: 95 % of it, by the chi-square distribution; from few seeds it is wide.
        counts: seeds of the checkpoint and of the baseline.
    """

    sd: float
    interval: Interval
    counts: tuple[int, int]

    @property
    def both(self) -> bool:
        """Whether the baseline has several seeds too; else it is taken as fixed."""
        return self.counts[1] > 1


def pairing(first: SuiteResult, second: SuiteResult) -> Pairing:
    """What the values of two checkpoints on one suite say.

    Raises:
        RunError: they share fewer than two prompts that have a value for both.
    """
    one, two = paired_values(first, second)
    if len(one) < 2:
        raise RunError(f"{first.suite}: {len(one)} shared prompts with values, two are needed")
    repeats = min(_repeats(first), _repeats(second))
    single = repeats == 1 and is_binary(one) and is_binary(two)
    differences = [x - y for x, y in zip(one, two, strict=True)]
    within = [_within(suite) for suite in (first, second)]
    return Pairing(
        first=fmean(one),
        second=fmean(two),
        n=len(one),
        repeats=repeats,
        discordant=fmean(map(abs, differences)) if single else None,
        correlation=_correlation(one, two),
        spreads=(variance(one), variance(two)),
        variance=variance(differences),
        within=None if None in within else sum(w for w in within if w is not None),
    )


def averaged(pairings: Sequence[Pairing]) -> Pairing:
    """The mean of several pairings of the same suite, one a training seed."""
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
    """Checkpoints that differ from the named one in the seed alone, with their scores of a suite.

    They are told by their names, as `sweep: {seed: [...]}` gives them: `nca-seed0`, `nca-seed1`.
    `nca` stands for all of them where no checkpoint has that very name.

    Raises:
        RunError: there is none of that name with that suite; the message lists those there are.
    """
    stem = SEED.sub("", name)
    found = {
        c.name: c.suites[suite]
        for c in result.checkpoints
        if suite in c.suites and (c.name == name or SEED.sub("", c.name) == stem)
    }
    if not found:
        known = ", ".join(c.name for c in result.checkpoints if suite in c.suites)
        raise RunError(f"run {result.recipe} has no {name!r} with {suite}: it has {known}")
    return {name: found[name]} if name in found and not SEED.search(name) else found


def pairs_of(
    name: str, baseline: str, ours: Mapping[str, SuiteResult], theirs: Mapping[str, SuiteResult]
) -> list[tuple[SuiteResult, SuiteResult]]:
    """(baseline, checkpoint) of each two that belong together: the named ones, else equal seeds.

    A seed without its equal is put beside the baseline's first.
    """
    if name in ours:
        ours = {name: ours[name]}
    if baseline in theirs:
        theirs = {baseline: theirs[baseline]}
    by_seed = {_seed(other): score for other, score in theirs.items()}
    first = next(iter(theirs.values()))
    return [(by_seed.get(_seed(own), first), score) for own, score in ours.items()]


def seeds(ours: Mapping[str, SuiteResult], theirs: Mapping[str, SuiteResult]) -> Seeds | None:
    """The spread over training seeds; None where neither method has two of them.

    It holds what a seed does to these very prompts; other prompts are the samples' affair.
    """
    found = seed_spread([_scores(ours), _scores(theirs)])
    return None if found is None else Seeds(found.sd, found.interval, (len(ours), len(theirs)))


def _scores(members: Mapping[str, SuiteResult]) -> list[float]:
    """A mean value for each, over the answers that all of them have."""
    tables = [
        {(s.id, s.repeat): s.value for s in suite.samples if s.value is not None}
        for suite in members.values()
    ]
    shared = set.intersection(*(set(table) for table in tables))
    return [fmean(table[key] for key in sorted(shared)) for table in tables] if shared else []


def _seed(name: str) -> str:
    found = SEED.search(name)
    return found[1] if found else ""


def _repeats(suite: SuiteResult) -> int:
    return len({sample.repeat for sample in suite.samples})


def _within(suite: SuiteResult) -> float | None:
    """Mean over prompts of the variance of their answers' values; None without repeats."""
    answers: dict[str, list[float]] = {}
    for sample in suite.samples:
        if sample.value is not None:
            answers.setdefault(sample.id, []).append(sample.value)
    several = [variance(values) for values in answers.values() if len(values) > 1]
    return fmean(several) if several else None


def _correlation(one: Sequence[float], two: Sequence[float]) -> float | None:
    first, second = fmean(one), fmean(two)
    spread = sqrt(sum((x - first) ** 2 for x in one) * sum((y - second) ** 2 for y in two))
    shared = sum((x - first) * (y - second) for x, y in zip(one, two, strict=True))
    return shared / spread if spread else None


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None

"""The question and the answer of `nca power`: a difference, and the samples that show it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from harness.errors import RecipeError, RunError
from harness.stats.power import sizes
from harness.stats.power.pairing import Pairing, Seeds, averaged, family, pairing, pairs_of, seeds
from harness.stats.power.sizes import Aim
from harness.storage.result import Result

_SIGN_FLIP = "sign-flip test, power of the z-test"


@dataclass(frozen=True, slots=True)
class Design:
    """One way to measure a difference."""

    name: str
    test: str  # the test that decides, and how its power is computed
    samples: int  # prompts (for each checkpoint) that see the difference asked for
    samples_low: int | None = None  # those at the lower end of the discordant share's 95 % interval
    samples_high: int | None = None  # those at its upper end
    # Smallest difference that the prompts at hand see; None if their number is not known, or none.
    detectable: float | None = None


@dataclass(frozen=True, slots=True)
class SeedPlan:
    """Training seeds of each method that see the difference, at the spread and at its bounds."""

    needed: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Question:
    """A difference, in points where values are fractions, and the power and level to show it."""

    points: float
    aim: Aim
    comparisons: int = 1

    @property
    def per_comparison(self) -> Aim:
        """Return the power and level of each of the comparisons."""
        return self.aim.shared(self.comparisons)

    def difference(self, scale: float) -> float:
        """Return the difference in the unit of values that are shown `scale` times as large.

        Raises RecipeError where it is larger than fractions can have.
        """
        if scale == 100 and self.points >= 100:
            raise RecipeError(f"--points {self.points:g}: percentage points are less than 100")
        return self.points / scale


@dataclass(frozen=True, slots=True)
class Budget:
    """The answer. `scale` is the factor of shown values: 100 for fractions."""

    title: str
    question: Question
    scale: float
    pairing: Pairing
    designs: tuple[Design, ...]
    names: tuple[str, str] = ("the baseline", "the other")
    seeds: Seeds | None = None
    plan: SeedPlan | None = None

    @property
    def difference(self) -> float:
        """Return the difference of the question, in the unit of the values."""
        return self.question.difference(self.scale)


def question(points: float, power: float, alpha: float, comparisons: int) -> Question:
    """Return the question of the options; raise RecipeError on power or level out of range."""
    with _refused("--power, --alpha"):
        return Question(points, Aim(power, alpha), comparisons)


def of_assumed(question: Question, figures: Sequence[float | None], samples: int | None) -> Budget:
    """Return the budget of assumed figures: accuracy, and discordant share or correlation.

    Raises RecipeError where they are missing or cannot be.
    """
    accuracy, discordant, correlation = figures
    if accuracy is None:
        raise RecipeError("name a run, or give --accuracy with --discordant or --correlation")
    difference = question.difference(100.0)
    figured = assumed(accuracy, difference, discordant, correlation, samples)
    with _refused("--points"):
        plans = designs(figured, difference, question.per_comparison)
    return Budget("assumed figures", question, 100.0, figured, plans)


def assumed(
    accuracy: float,
    difference: float,
    discordant: float | None,
    correlation: float | None,
    samples: int | None,
) -> Pairing:
    """Return a pairing of right-or-wrong values from assumed figures.

    The accuracy is the baseline's; the other's is larger by the difference, a fraction (smaller,
    where it would be above 1). Of the share of prompts that only one gets right and the
    correlation over prompts one is given. `samples` are prompts at hand. Raises RecipeError where
    such figures cannot be.
    """
    if (discordant is None) == (correlation is None):
        raise RecipeError("give --discordant or --correlation with --accuracy, one of the two")
    other = _other(accuracy, difference)
    if not 0 < accuracy < 1 or not 0 <= other <= 1:
        raise RecipeError(f"--accuracy {accuracy:g}: it and {other:g} must lie within 0 and 1")
    most = min(accuracy + other, 2 - accuracy - other)
    share = (
        sizes.discordant_of(accuracy, other, correlation) if correlation is not None else discordant
    )
    # A correlation that leaves exactly the difference may miss it by the last bits.
    if share is None or not difference - 1e-9 <= share <= most + 1e-9:
        low, high = (sizes.correlation_of(accuracy, other, s) for s in (most, difference))
        unknown = low is None or high is None
        raise RecipeError(
            f"accuracies {accuracy:g} and {other:g} have a discordant share between "
            f"{difference:g} and {most:g}"
            + ("" if unknown else f" (a correlation of {low:.2f} to {high:.2f})")
        )
    share = min(max(share, difference), most)
    spreads = accuracy * (1 - accuracy), other * (1 - other)
    implied = sizes.correlation_of(accuracy, other, share)
    variance = share - difference**2
    return Pairing(accuracy, other, samples, 1, share, implied, spreads, variance, measured=False)


def designs(pairing: Pairing, difference: float, aim: Aim) -> tuple[Design, ...]:
    """Return the designs of a pairing: paired first, then unpaired, then repeats."""

    def of_mean(name: str, test: str, variance: float) -> Design:
        seen = sizes.mean_detectable(variance, pairing.n, aim) if pairing.n else None
        return Design(name, test, sizes.mean_samples(variance, difference, aim), detectable=seen)

    if pairing.discordant is None:
        paired = of_mean("paired", _SIGN_FLIP, pairing.variance)
        unpaired = of_mean("unpaired", "z-test of two means", sum(pairing.spreads))
    else:
        paired = _mcnemar(pairing, pairing.discordant, difference, aim)
        needed = sizes.unpaired_samples(pairing.first, _other(pairing.first, difference), aim)
        seen = sizes.unpaired_detectable(pairing.first, pairing.n, aim) if pairing.n else None
        unpaired = Design("unpaired", "z-test of two proportions", needed, detectable=seen)
    every = [paired, unpaired]
    for answers in (1, 2, 4, 8, None):
        if (variance := pairing.variance_with(answers)) is not None:
            name = f"paired, {answers or 'unlimited'} answer{'s' * (answers != 1)} a prompt"
            every.append(of_mean(name, _SIGN_FLIP, variance))
    return tuple(every)


def _mcnemar(pairing: Pairing, share: float, difference: float, aim: Aim) -> Design:
    bounds = pairing.discordant_bounds
    shares = [share, *((bounds.low, bounds.high) if bounds else ())]
    needed = [sizes.mcnemar_samples(max(s, difference), difference, aim) for s in shares]
    seen = sizes.mcnemar_detectable(pairing.n, share, aim) if pairing.n else None
    low, high = needed[1:] or (None, None)
    return Design("paired", "McNemar's exact test, exact power", needed[0], low, high, seen)


def _other(accuracy: float, difference: float) -> float:
    return accuracy + difference if accuracy + difference <= 1 else accuracy - difference


def of_result(
    question: Question,
    result: Result,
    suite: str | None,
    checkpoint: str | None,
    baseline: str | None,
) -> Budget:
    """Return the budget of one suite, from the scores of two checkpoints on it.

    Raises RunError where there is no such suite or checkpoint, or it is not said which of several.
    """
    suites = [name for c in result.checkpoints for name in c.suites]
    paired = [name for name in dict.fromkeys(suites) if suites.count(name) > 1]
    if not paired:
        raise RunError(f"run {result.recipe}: no suite was run on two checkpoints to be paired")
    suite = suite or _only("--suite", paired)
    if suite not in paired:
        raise RunError(f"--suite {suite}: two checkpoints have {', '.join(paired)}")
    have = [c.name for c in result.checkpoints if suite in c.suites]
    against = baseline or (result.baseline if result.baseline in have else have[0])
    name = checkpoint or _only("--checkpoint", [other for other in have if other != against])
    return _of_suite(question, result, suite, (against, name))


def _of_suite(question: Question, result: Result, suite: str, names: tuple[str, str]) -> Budget:
    theirs, ours = (family(result, name, suite) for name in names)
    figured = averaged([pairing(*two) for two in pairs_of(names[1], names[0], ours, theirs)])
    scores = [*ours.values(), *theirs.values()]
    values = [sample.value for score in scores for sample in score.samples]
    rated = scores[0].headline == "rating" or not all(v is None or 0 <= v <= 1 for v in values)
    scale = 1.0 if rated else 100.0
    difference, spread = question.difference(scale), seeds(ours, theirs)
    plan = None
    with _refused("--points"):
        aim = question.per_comparison
        plans = designs(figured, difference, aim)
        if spread is not None:
            sds = (spread.sd, spread.interval.low, spread.interval.high)
            needed = (sizes.seeds_needed(sd, difference, aim, both=spread.both) for sd in sds)
            plan = SeedPlan(*needed)
    title = f"{suite}: {names[1]} against {names[0]}"
    return Budget(title, question, scale, figured, plans, names, spread, plan)


@contextmanager
def _refused(options: str) -> Iterator[None]:
    """Turn a question without an answer into an error of these options."""
    try:
        yield
    except ValueError as error:
        raise RecipeError(f"{options}: {error}") from None


def _only(option: str, names: Sequence[str]) -> str:
    """Return the only name, which stands for an option that is not given."""
    if len(names) == 1:
        return names[0]
    raise RunError(f"say which with {option}: {', '.join(names)}")

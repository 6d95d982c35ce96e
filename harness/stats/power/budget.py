"""`nca power`, the question and the answer: a difference, and what it takes to see it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from harness.errors import RecipeError, RunError
from harness.stats.power.designs import Design, SeedPlan, assumed, designs, seed_plan
from harness.stats.power.pairing import Pairing, Seeds, averaged, family, pairing, pairs_of, seeds
from harness.stats.power.sizes import Aim
from harness.storage.result import Result, SuiteResult


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a difference, in points where values are fractions, and how sure to see it."""

    points: float
    aim: Aim
    comparisons: int = 1

    @property
    def one(self) -> Aim:
        """What is asked of each of the comparisons."""
        return self.aim.shared(self.comparisons)


@dataclass(frozen=True, slots=True)
class Budget:
    """The answer. `scale` is what a value is multiplied by to be shown: 100 for fractions."""

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
        """The difference asked for, in the unit of the values."""
        return self.question.points / self.scale


def question(points: float, power: float, alpha: float, comparisons: int) -> Question:
    """What the options of the command ask.

    Raises:
        RecipeError: a level that is none.
    """
    try:
        return Question(points, Aim(power, alpha), comparisons)
    except ValueError as error:
        raise RecipeError(f"--power, --alpha: {error}") from None


def of_assumed(asked: Question, figures: Sequence[float | None], samples: int | None) -> Budget:
    """The budget of assumed figures: accuracy, and discordant share or correlation.

    Raises:
        RecipeError: they are missing or cannot be.
    """
    accuracy, discordant, correlation = figures
    if accuracy is None:
        raise RecipeError("name a run, or give --accuracy with --discordant or --correlation")
    difference = _difference(asked, 100.0)
    figured = assumed(accuracy, difference, discordant, correlation, samples)
    with _refused():
        found = designs(figured, difference, asked.one)
    return Budget("assumed figures", asked, 100.0, figured, found)


def of_result(
    asked: Question, result: Result, suite: str | None, checkpoint: str | None, baseline: str | None
) -> Budget:
    """The budget of one suite, from what two checkpoints of a result scored on it.

    Raises:
        RunError: there is no such suite or checkpoint, or it is not said which of several.
    """
    known = _suites(result)
    suite = suite or _only("--suite", known)
    if suite not in known:
        raise RunError(f"--suite {suite}: two checkpoints have {', '.join(known)}")
    have = [c.name for c in result.checkpoints if suite in c.suites]
    against = baseline or (result.baseline if result.baseline in have else have[0])
    name = checkpoint or _only("--checkpoint", [other for other in have if other != against])
    ours, theirs = family(result, name, suite), family(result, against, suite)
    figured = averaged([pairing(*two) for two in pairs_of(name, against, ours, theirs)])
    scale = 100.0 if _is_fraction([*ours.values(), *theirs.values()]) else 1.0
    difference, spread = _difference(asked, scale), seeds(ours, theirs)
    with _refused():
        found = designs(figured, difference, asked.one)
        plan = None if spread is None else seed_plan(spread, difference, asked.one)
    return Budget(
        title=f"{suite}: {name} against {against}",
        question=asked,
        scale=scale,
        pairing=figured,
        designs=found,
        names=(against, name),
        seeds=spread,
        plan=plan,
    )


@contextmanager
def _refused() -> Iterator[None]:
    """A question that has no answer is the user's to mend."""
    try:
        yield
    except ValueError as error:
        raise RecipeError(f"--points: {error}") from None


def _difference(asked: Question, scale: float) -> float:
    if scale == 100 and asked.points >= 100:
        raise RecipeError(f"--points {asked.points:g}: percentage points are less than 100")
    return asked.points / scale


def _is_fraction(scores: Sequence[SuiteResult]) -> bool:
    values = [sample.value for score in scores for sample in score.samples]
    rated = scores[0].headline == "rating"
    return not rated and all(value is None or 0 <= value <= 1 for value in values)


def _suites(result: Result) -> list[str]:
    """Suites that at least two checkpoints have.

    Raises:
        RunError: there is none.
    """
    names = [suite for c in result.checkpoints for suite in c.suites]
    found = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if not found:
        raise RunError(f"run {result.recipe}: no suite was run on two checkpoints to be paired")
    return found


def _only(option: str, known: Sequence[str]) -> str:
    """What an option stands for where it is not given: the only one there is."""
    if len(known) == 1:
        return known[0]
    raise RunError(f"say which with {option}: {', '.join(known)}")

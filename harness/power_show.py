"""`nca power`: the noise budget of a suite as a short table, and as JSON."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.errors import RecipeError, RunError
from harness.pairing import Pairing, Seeds, averaged, family, pairing, pairs_of, seeds
from harness.power import Aim
from harness.power_designs import Design, SeedPlan, approximation, assumed, designs, seed_plan
from harness.result import Result, SuiteResult
from harness.runs import write_text
from harness.tables import NONE, Heading, Table


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


def table(budget: Budget) -> Table:
    """The budget for people; a record a design for programs."""
    asked, n = budget.question, budget.pairing.n
    unit = "points" if budget.scale == 100 else "units"
    seen = f"{n:,} prompts show\n{unit}" if n else f"prompts at hand show\n{unit}"
    return Table(
        title=budget.title,
        headings=(
            Heading("design", "left"),
            Heading(f"prompts needed\nfor {asked.points:g} {unit}"),
            Heading(seen),
        ),
        rows=tuple(
            (design.name, _needed(design), _seen(design, budget)) for design in budget.designs
        ),
        notes=tuple(_notes(budget, unit)),
        records=tuple(asdict(design) for design in budget.designs),
    )


def write_json(budget: Budget, file: Path) -> None:
    """Everything behind the table, in the unit of the values (fractions, not points)."""
    found: dict[str, Any] = {**asdict(budget), "difference": budget.difference}
    write_text(file, json.dumps(found, indent=1, ensure_ascii=False) + "\n")


def _needed(design: Design) -> str:
    if design.samples_low is None or design.samples_high is None:
        return f"{design.samples:,}"
    return f"{design.samples:,} [{design.samples_low:,}, {design.samples_high:,}]"


def _seen(design: Design, budget: Budget) -> str:
    if budget.pairing.n is None:
        return NONE
    if design.detectable is None:
        return "none"
    return f"{budget.scale * design.detectable:.1f}"


def _notes(budget: Budget, unit: str) -> Iterator[str]:
    yield _asked_note(budget.question, unit)
    yield _pairing_note(budget)
    yield _tests_note(budget)
    yield _repeats_note(budget)
    yield _seeds_note(budget, unit)


def _asked_note(asked: Question, unit: str) -> str:
    said = f"Asked: {asked.points:g} {unit} with power {asked.aim.power:g}, two-sided, alpha "
    if asked.comparisons == 1:
        return f"{said}{asked.aim.alpha:g}."
    return (
        f"{said}{asked.aim.alpha:g} over {asked.comparisons} comparisons: {asked.one.alpha:.2g} "
        "each (Bonferroni, which is Holm's first step)."
    )


def _pairing_note(budget: Budget) -> str:
    figures, scale = budget.pairing, budget.scale
    (one, two), percent = budget.names, " %" if scale == 100 else ""
    said = (
        f"{one} {scale * figures.first:.1f}{percent}, {two} {scale * figures.second:.1f}{percent}"
    )
    if figures.correlation is not None:
        said += f"; correlation {figures.correlation:.2f}"
    return f"Pairing{'' if figures.measured else ' (assumed)'}: {said}{_discordant(budget)}."


def _discordant(budget: Budget) -> str:
    share, bounds = budget.pairing.discordant, budget.pairing.discordant_bounds
    if share is None:
        return ""
    said = f"; only one of them right: {100 * share:.1f} %"
    if bounds is not None:
        said += f" [{100 * bounds.low:.1f}, {100 * bounds.high:.1f}], whose ends give the range"
    if share < budget.difference:
        said += f"; taken as {100 * budget.difference:g} %, which the difference needs"
    return said


def _tests_note(budget: Budget) -> str:
    paired, unpaired = budget.designs[:2]
    near = approximation(budget.pairing, budget.difference, budget.question.one)
    formula = f"; Connor's approximation: {near:,}" if near is not None else ""
    return (
        f"Paired: {paired.test}{formula}. Unpaired: {unpaired.test}, so many for each checkpoint."
    )


def _repeats_note(budget: Budget) -> str:
    figures = budget.pairing
    if figures.within is None:
        return (
            "Repeats: not known what they bring; that takes a run with several answers a prompt "
            "(at temperature 0 they bring nothing)."
        )
    one, ever = figures.variance_with(1), figures.variance_with(None)
    share = figures.within / one if one else 0.0
    return (
        f"Repeats: {100 * share:.0f} % of a difference's variance is between answers to the same "
        f"prompt, which repeats average away; the rest is between prompts."
        + ("" if ever else " Nothing was left between prompts.")
    )


def _seeds_note(budget: Budget, unit: str) -> str:
    spread, plan = budget.seeds, budget.plan
    if spread is None or plan is None:
        return (
            "Training seeds: not known how far they lie apart, and samples cannot say; that takes "
            "checkpoints that differ in the seed alone (sweep: {seed: [0, 1, 2]})."
        )
    low, high = (budget.scale * bound for bound in (spread.interval.low, spread.interval.high))
    fixed = "of each method" if spread.both else f"({budget.names[0]} is taken as fixed)"
    return (
        f"Training seeds: sd {budget.scale * spread.sd:.2f} {unit} [{low:.2f}, {high:.2f}] from "
        f"{' and '.join(map(str, spread.counts))} seeds; {plan.needed:,} [{plan.low:,}, "
        f"{plan.high:,}] seeds {fixed} show {budget.question.points:g} {unit} between methods, "
        "on these prompts (t-test)."
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

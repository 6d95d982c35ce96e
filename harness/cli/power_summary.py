"""The output of `nca power`: a short table with notes."""

from dataclasses import asdict

from harness.report.tables.table import NONE, Heading, Table
from harness.stats.power.budget import Budget, Design, Question
from harness.stats.power.sizes import connor


def table(budget: Budget) -> Table:
    """Return the table of a budget; it has one record for each design."""
    question, n = budget.question, budget.pairing.n
    unit = "points" if budget.scale == 100 else "units"
    prompts = f"{n:,} prompts" if n else "prompts at hand"
    return Table(
        title=budget.title,
        headings=(
            Heading("design", "left"),
            Heading(f"prompts needed\nfor {question.points:g} {unit}"),
            Heading(f"{prompts} show\n{unit}"),
        ),
        rows=tuple(_cells(design, budget) for design in budget.designs),
        notes=(
            _question_note(question, unit),
            _pairing_note(budget),
            _tests_note(budget),
            _repeats_note(budget),
            _seeds_note(budget, unit),
        ),
        records=tuple(asdict(design) for design in budget.designs),
    )


def _cells(design: Design, budget: Budget) -> tuple[str, str, str]:
    needed, detectable = f"{design.samples:,}", "none"
    if design.samples_low is not None and design.samples_high is not None:
        needed += f" [{design.samples_low:,}, {design.samples_high:,}]"
    if budget.pairing.n is None:
        detectable = NONE
    elif design.detectable is not None:
        detectable = f"{budget.scale * design.detectable:.1f}"
    return design.name, needed, detectable


def _question_note(question: Question, unit: str) -> str:
    aim, count = question.aim, question.comparisons
    note = (
        f"Question: the samples that show {question.points:g} {unit} with power {aim.power:g} and "
        f"two-sided alpha {aim.alpha:g}"
    )
    if count > 1:
        note += (
            f" over {count} comparisons, so alpha {question.per_comparison.alpha:.2g} each "
            "(Bonferroni, which is Holm's first step)"
        )
    return f"{note}."


def _pairing_note(budget: Budget) -> str:
    figures, scale = budget.pairing, budget.scale
    percent = " %" if scale == 100 else ""
    means = zip(budget.names, (figures.first, figures.second), strict=True)
    note = ", ".join(f"{name} {scale * mean:.1f}{percent}" for name, mean in means)
    if figures.correlation is not None:
        note += f"; correlation {figures.correlation:.2f}"
    share, bounds = figures.discordant, figures.discordant_bounds
    if share is not None:
        note += f"; only one of them is right on {100 * share:.1f} % of the prompts"
        if bounds is not None:
            low, high = 100 * bounds.low, 100 * bounds.high
            note += f" [{low:.1f}, {high:.1f}], whose ends give the range"
        if share < budget.difference:
            least = f"{100 * budget.difference:g} %"
            note += f"; the difference needs at least {least}, which is used here"
    return f"Pairing{'' if figures.measured else ' (assumed)'}: {note}."


def _tests_note(budget: Budget) -> str:
    paired, unpaired = budget.designs[:2]
    share, formula = budget.pairing.discordant, ""
    if share is not None:
        most = max(share, budget.difference)
        near = connor(most, budget.difference, budget.question.per_comparison)
        formula = f"; Connor's approximation: {near:,}"
    return (
        f"Paired: {paired.test}{formula}. Unpaired: {unpaired.test}; each checkpoint needs this "
        "number."
    )


def _repeats_note(budget: Budget) -> str:
    figures = budget.pairing
    if figures.within is None:
        return (
            "Repeats: their benefit is not known without a run that has several answers a prompt "
            "(at temperature 0 there is none)."
        )
    single = figures.variance_with(1)
    share = figures.within / single if single else 0.0
    rest = "" if figures.variance_with(None) else " No variance is left between prompts."
    return (
        f"Repeats: {100 * share:.0f} % of a difference's variance is between answers to the same "
        f"prompt, which repeats average away; the rest is between prompts.{rest}"
    )


def _seeds_note(budget: Budget, unit: str) -> str:
    spread, plan = budget.seeds, budget.plan
    if spread is None or plan is None:
        return (
            "Training seeds: their spread is not known without checkpoints that differ in the seed "
            "alone (sweep: {seed: [0, 1, 2]}); samples cannot show it."
        )
    low, high = (budget.scale * bound for bound in (spread.interval.low, spread.interval.high))
    fixed = "of each method" if spread.both else f"({budget.names[0]} is taken as fixed)"
    return (
        f"Training seeds: sd {budget.scale * spread.sd:.2f} {unit} [{low:.2f}, {high:.2f}] from "
        f"{' and '.join(map(str, spread.counts))} seeds; {plan.needed:,} [{plan.low:,}, "
        f"{plan.high:,}] seeds {fixed} show {budget.question.points:g} {unit} between methods, "
        "on these prompts (t-test)."
    )

"""The output of `nca power`: a short table with notes, and everything behind it as JSON."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.report.tables.table import NONE, Heading, Table
from harness.stats.power.budget import Budget, Question
from harness.stats.power.designs import Design, approximation
from harness.storage.atomic_files import write_text


def table(budget: Budget) -> Table:
    """Return the table of a budget; it has one record for each design."""
    question, n = budget.question, budget.pairing.n
    unit = "points" if budget.scale == 100 else "units"
    seen = f"{n:,} prompts show\n{unit}" if n else f"prompts at hand show\n{unit}"
    return Table(
        title=budget.title,
        headings=(
            Heading("design", "left"),
            Heading(f"prompts needed\nfor {question.points:g} {unit}"),
            Heading(seen),
        ),
        rows=tuple(
            (design.name, _needed(design), _seen(design, budget)) for design in budget.designs
        ),
        notes=tuple(_notes(budget, unit)),
        records=tuple(asdict(design) for design in budget.designs),
    )


def write_json(budget: Budget, file: Path) -> None:
    """Write all figures of a budget, in the unit of the values (fractions, not points)."""
    record: dict[str, Any] = {**asdict(budget), "difference": budget.difference}
    write_text(file, json.dumps(record, indent=1, ensure_ascii=False) + "\n")


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
    yield _question_note(budget.question, unit)
    yield _pairing_note(budget)
    yield _tests_note(budget)
    yield _repeats_note(budget)
    yield _seeds_note(budget, unit)


def _question_note(question: Question, unit: str) -> str:
    aim, count = question.aim, question.comparisons
    test = f"{question.points:g} {unit} with power {aim.power:g} and two-sided alpha {aim.alpha:g}"
    if count == 1:
        return f"Question: the samples that show {test}."
    return (
        f"Question: the samples that show {test} over {count} comparisons, so alpha "
        f"{question.per_comparison.alpha:.2g} each (Bonferroni, which is Holm's first step)."
    )


def _pairing_note(budget: Budget) -> str:
    figures, scale = budget.pairing, budget.scale
    percent = " %" if scale == 100 else ""
    means = ", ".join(
        f"{name} {scale * mean:.1f}{percent}"
        for name, mean in zip(budget.names, (figures.first, figures.second), strict=True)
    )
    if figures.correlation is not None:
        means += f"; correlation {figures.correlation:.2f}"
    return f"Pairing{'' if figures.measured else ' (assumed)'}: {means}{_discordant(budget)}."


def _discordant(budget: Budget) -> str:
    share, bounds = budget.pairing.discordant, budget.pairing.discordant_bounds
    if share is None:
        return ""
    text = f"; only one of them is right on {100 * share:.1f} % of the prompts"
    if bounds is not None:
        text += f" [{100 * bounds.low:.1f}, {100 * bounds.high:.1f}], whose ends give the range"
    if share < budget.difference:
        text += f"; the difference needs at least {100 * budget.difference:g} %, which is used here"
    return text


def _tests_note(budget: Budget) -> str:
    paired, unpaired = budget.designs[:2]
    near = approximation(budget.pairing, budget.difference, budget.question.per_comparison)
    formula = f"; Connor's approximation: {near:,}" if near is not None else ""
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
    single, between = figures.variance_with(1), figures.variance_with(None)
    share = figures.within / single if single else 0.0
    return (
        f"Repeats: {100 * share:.0f} % of a difference's variance is between answers to the same "
        f"prompt, which repeats average away; the rest is between prompts."
        + ("" if between else " No variance is left between prompts.")
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

"""`nca power`, what it prints: a short table with notes, and everything behind it as JSON."""

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

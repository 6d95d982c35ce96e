"""The pipeline: train what is missing, evaluate what is missing, collect, track.

Each stage is a process of its own and is skipped when its key says that it is done. Nothing here
knows a method, a suite or a tracker.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.data.sampling.resolve import check_samples
from harness.evaluate.suites.kl import any_kl
from harness.pipeline.collect import collect
from harness.pipeline.fingerprints import checkpoint_folder, fingerprints
from harness.pipeline.jobs import reference_of
from harness.pipeline.launch import launch
from harness.pipeline.plan import (
    Places,
    Plan,
    check_methods,
    check_suites,
    existing,
    judge_of,
    make_plan,
)
from harness.pipeline.stages import Stage, data_of, evaluate_stage, measuring, stage_of, track_stage
from harness.progress.events import Reporter
from harness.progress.screen import Screen
from harness.recipe.schema import CompareSection, EvaluateSection, Recipe
from harness.report.compare.comparison import compared_cells
from harness.storage.atomic_files import write_text
from harness.storage.hashing import digest
from harness.storage.result import Result
from harness.storage.run_folder import RunFolder, is_done


@dataclass(slots=True)
class Finished:
    """What a pipeline leaves: its folder, the result, and what the stages said."""

    folder: RunFolder
    result: Result
    events: list[dict[str, Any]] = field(default_factory=list)


def run(recipe: Recipe, places: Places, screen: Screen, *, evaluation: bool = True) -> Finished:
    """Run a recipe's missing stages and collect its result.

    Raises:
        UserError: something in the recipe or on this machine must be mended first.
        RunFailed: a stage failed; what was finished is kept.
    """
    plan = make_plan(recipe, places)
    making = [stage_of(plan, step) for step in plan.steps]
    untrained = not all(is_done(stage.folder, stage.key) for stage in making)
    if untrained:
        check_methods(recipe)
        check_samples(plan.recipe, places.data_dir)
    if evaluation:
        check_suites(plan.recipe.evaluate, places.data_dir)
        judge_of(plan.recipe.evaluate, places)  # not found after hours of training
    section = plan.recipe.evaluate
    reference = (Path(plan.base), plan.base_print)
    if any_kl(section.suites) and section.reference is not None:
        reference = reference_of(section, (), places)
    heard: list[dict[str, Any]] = []
    report = listener(heard, screen)
    with screen:
        if untrained and evaluation and recipe.evaluate.suites:
            audit_before_training(plan, report)
        for number, step in enumerate(plan.steps, start=1):  # a key may hang on what came before
            perform(stage_of(plan, step), number, plan.stages, screen, report)
        prints = fingerprints(plan)
        if evaluation and recipe.evaluate.suites:
            folders = {name: checkpoint_folder(plan, name) for name in prints}
            stage = evaluate_stage(
                plan.folder, plan.recipe.evaluate, places, folders, prints, audited=untrained
            )
            perform(stage, len(making) + 1, plan.stages, screen, report)
            measures = measuring(stage, section, recipe.compare.baseline, reference, places)
            for number, one in enumerate(measures, len(making) + 2):
                perform(one, number, plan.stages, screen, report)
        data = {name: data_of(plan, name) for name in plan.recipe.checkpoints}
        result = collect(plan.folder, plan.recipe, plan.key, prints, data)
        finish(plan.folder, result, recipe.compare.table)
        if places.tracking_uri:
            stage = track_stage(plan.folder, recipe.name, places, result, compared_cells(result))
            perform(stage, plan.stages, plan.stages, screen, report)
    return Finished(plan.folder, result, heard)


def evaluate_models(
    named: Mapping[str, str], section: EvaluateSection, places: Places, screen: Screen
) -> Finished:
    """Evaluate checkpoints that exist already, side by side; the first is the baseline.

    `named` maps row names to checkpoint folders, hub names, or names at an endpoint.
    """
    check_suites(section, places.data_dir)
    folders, prints = existing(named, section.engine, places)
    reference = None
    if any_kl(section.suites):
        reference = reference_of(section, list(folders.values()), places)
    key = digest(prints, 8)
    first = next(iter(named))
    recipe = Recipe(
        name="eval",
        base=named[first],
        evaluate=section,
        compare=CompareSection.model_construct(baseline=first),
    )
    folder = RunFolder((places.runs / f"eval-{key}").resolve())
    heard: list[dict[str, Any]] = []
    report = listener(heard, screen)
    stage = evaluate_stage(folder, section, places, folders, prints)
    measures = list(measuring(stage, section, first, reference, places))
    stages = 1 + len(measures) + bool(places.tracking_uri)
    with screen:
        for number, one in enumerate((stage, *measures), 1):
            perform(one, number, stages, screen, report)
        result = collect(folder, recipe, key, prints)
        finish(folder, result, None)
        if places.tracking_uri:
            stage = track_stage(folder, recipe.name, places, result, compared_cells(result))
            perform(stage, stages, stages, screen, report)
    return Finished(folder, result, heard)


def audit_before_training(plan: Plan, report: Reporter) -> None:
    """Look at the evaluation before hours of training are spent on it, once for each evaluation.

    Raises:
        UserError: it would be wasted, as `harness.pipeline.audit.preflight.check` says.
    """
    from harness.pipeline.audit.job import of_plan

    job = of_plan(plan).model_dump(mode="json")
    key = digest(job)
    if not is_done(plan.folder.audit, key):
        launch("audit", plan.folder.audit, key, job, report)


def finish(folder: RunFolder, result: Result, title: str | None) -> None:
    """Write result, tables, pictures and report, unless they stand there already."""
    from harness.report.html.build import beside
    from harness.report.run_summary import keep

    text = result.model_dump_json(indent=1) + "\n"
    known = folder.result.exists() and folder.result.read_text(encoding="utf-8") == text
    if not known:
        keep(result, folder.path, title)
    if not (known and folder.report.is_file()):
        beside(result, folder)
    if not known:
        write_text(folder.result, text)


def perform(stage: Stage, number: int, of: int, screen: Screen, report: Reporter) -> None:
    """Run a stage unless it is done; the screen shows which of the two.

    Raises:
        UserError, RunFailed: as the stage's process classified it.
    """
    if is_done(stage.folder, stage.key):
        screen.skipped(number, of, stage.title)
        return
    screen.stage(number, of, stage.title)
    launch(stage.kind, stage.folder, stage.key, stage.job, report, stage.processes)
    screen.ended(number, of, stage.title)


def listener(heard: list[dict[str, Any]], screen: Screen) -> Reporter:
    """What shows a stage's events, and keeps those that are no progress."""

    def report(event: Mapping[str, Any]) -> None:
        if event["event"] not in ("progress", "evaluating", "log", "speed"):
            heard.append(dict(event))
        screen(event)

    return report

"""The flow of a run: perform the stages that are not done, collect, compare, write, track.

Each stage is a process of its own and is skipped when its key says that it is done. Nothing here
knows a method, a suite or a tracker.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.data.sampling.resolve import check_samples
from harness.evaluate.suites.kl import any_kl
from harness.evaluate.suites.library import SuiteLibrary
from harness.pipeline.audit.job import audit_before_training
from harness.pipeline.checks import check_methods, check_suites
from harness.pipeline.collect import collect
from harness.pipeline.fingerprints import checkpoint_folder, fingerprints
from harness.pipeline.jobs import eval_job
from harness.pipeline.launch import launch
from harness.pipeline.lookup import resolve_checkpoints, resolve_judge, resolve_reference
from harness.pipeline.places import Places
from harness.pipeline.plan import Plan, make_plan
from harness.pipeline.stages import (
    Stage,
    data_of,
    evaluate_stage,
    measurement_stages,
    stage_of,
    track_stage,
)
from harness.progress.screen import Screen
from harness.recipe.schema import CompareSection, EvaluateSection, Recipe
from harness.report.compare.comparison import compare
from harness.stats.cells import Comparison
from harness.storage.result import Result
from harness.storage.run_folder import RunFolder, digest, write_text


@dataclass(frozen=True, slots=True)
class Finished:
    """The outcome of a run.

    Attributes:
        folder: of the run.
        result: everything that is finished in the folder.
        comparison: the scores of the result compared with its baseline; None without scores.
        events: of the stages, except progress.
    """

    folder: RunFolder
    result: Result
    comparison: Comparison | None
    events: tuple[Mapping[str, Any], ...]


@dataclass(slots=True)
class StageRunner:
    """Runs stages one after another and shows each with its number.

    Attributes:
        screen: shows stages and their events.
        total: the number of stages.
        number: of the stage that began last.
        events: of the stages, except progress.
    """

    screen: Screen
    total: int
    number: int = 0
    events: list[Mapping[str, Any]] = field(default_factory=list)

    def report(self, event: Mapping[str, Any]) -> None:
        """Show an event, and keep it unless it is progress."""
        if event["event"] not in ("progress", "evaluating", "log", "speed"):
            self.events.append(dict(event))
        self.screen(event)

    def perform(self, stage: Stage) -> None:
        """Run a stage unless it is done; the screen shows which of the two.

        Raises:
            UserError, RunFailed: as the stage's process classified it.
        """
        self.number += 1
        if stage.done:
            self.screen.skipped(self.number, self.total, stage.title)
            return
        self.screen.stage(self.number, self.total, stage.title)
        launch(
            stage.kind, stage.folder, stage.key, stage.plain_job, self.report, stage.processes
        )
        self.screen.ended(self.number, self.total, stage.title)


def run(
    recipe: Recipe,
    places: Places,
    screen: Screen,
    library: SuiteLibrary | None = None,
    *,
    evaluation: bool = True,
) -> Finished:
    """Run a recipe's missing stages and finish its run folder.

    Args:
        recipe: as read.
        places: where things lie.
        screen: shows the stages.
        library: of the recipe's suites, where some of them are loaded already.
        evaluation: False trains only.

    Raises:
        UserError: something in the recipe or on this machine must be corrected first.
        RunFailed: a stage failed; what was finished is kept.
    """
    plan = make_plan(recipe, places)
    section = plan.recipe.evaluate if evaluation else EvaluateSection()
    library = library or SuiteLibrary(places.data_dir, section.lm_eval_tasks)
    untrained = not all(stage_of(plan, step, library).done for step in plan.steps)
    if untrained:
        check_methods(recipe)
        check_samples(plan.recipe, places.data_dir)
    check_suites(section, library)
    resolve_judge(section, places)  # not found after hours of training
    reference = (Path(plan.base), plan.base_fingerprint)
    if any_kl(section.suites) and section.reference is not None:
        reference = resolve_reference(section, (), places)
    runner = StageRunner(screen, _count(len(plan.steps), section, places))

    def stages() -> Iterator[Stage]:  # a key may depend on what came before
        if untrained and section.suites:
            audit_before_training(plan, library, runner.report)
        yield from (stage_of(plan, step, library) for step in plan.steps)
        if section.suites:
            prints = fingerprints(plan)
            folders = {name: checkpoint_folder(plan, name) for name in prints}
            job = eval_job(plan.folder.path, section, places, folders, prints)
            job = job.model_copy(update={"audited": untrained})
            yield from _evaluation(job, section, recipe.compare.baseline, reference, places, library)

    return _complete(
        runner, stages(), lambda: _collect(plan), plan.folder, places, recipe.compare.table
    )


def evaluate_models(
    named: Mapping[str, str],
    section: EvaluateSection,
    places: Places,
    screen: Screen,
    library: SuiteLibrary | None = None,
) -> Finished:
    """Evaluate checkpoints that exist already, side by side; the first is the baseline.

    Args:
        named: row name -> checkpoint folder, hub name, or name at an endpoint.
        section: the evaluation.
        places: where things lie.
        screen: shows the stages.
        library: of the suites, where some of them are loaded already.

    Raises:
        UserError, RunFailed: as `run`.
    """
    library = library or SuiteLibrary(places.data_dir, section.lm_eval_tasks)
    check_suites(section, library)
    folders, prints = resolve_checkpoints(named, section.engine, places)
    reference = None
    if any_kl(section.suites):
        reference = resolve_reference(section, list(folders.values()), places)
    key, baseline = digest(prints, 8), next(iter(named))
    recipe = Recipe(
        name="eval",
        base=named[baseline],
        evaluate=section,
        compare=CompareSection.model_construct(baseline=baseline),
    )
    folder = RunFolder((places.runs / f"eval-{key}").resolve())
    job = eval_job(folder.path, section, places, folders, prints)
    stages = tuple(_evaluation(job, section, baseline, reference, places, library))
    runner = StageRunner(screen, len(stages) + bool(places.tracking_uri))
    return _complete(
        runner, stages, lambda: collect(folder, recipe, key, prints), folder, places, None
    )

"""The flow of a run: check, perform the stages that are not done, collect, compare, write, track.

Each stage is a process of its own and is skipped when its key says that it is done. Nothing here
knows a method, a suite or a tracker. Checks come first: no hours of training end in a missing file.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from harness.data.sampling.resolve import check_samples
from harness.engines.options import EngineChoice, EngineSpec
from harness.engines.registry import make
from harness.evaluate.loop.suite_choice import require_engine, require_judge
from harness.evaluate.suites.library import SuiteLibrary
from harness.evaluate.suites.measured import KL, PAIRWISE, any_measured
from harness.pipeline.audit.job import of_plan
from harness.pipeline.audit.preflight import check_before_training
from harness.pipeline.finish import Finished, collect, finish
from harness.pipeline.keys import evaluation_key
from harness.pipeline.launch import Stage, StageRunner
from harness.pipeline.lookup import resolve_checkpoints, resolve_judge, resolve_reference
from harness.pipeline.places import Places
from harness.pipeline.plan import Plan, make_plan
from harness.pipeline.processes import silence_libraries
from harness.pipeline.stages import data_of, eval_job, evaluation_stages, stage_of, track_stage
from harness.pipeline.worker import run_stage
from harness.progress.events import Reporter
from harness.progress.screen import Screen
from harness.recipe.schema import CompareSection, EvaluateSection, Recipe
from harness.storage.atomic_files import write_json
from harness.storage.hashing import digest
from harness.storage.result import Result
from harness.storage.run_folder import RunFolder, is_done, pending_job


def run(
    recipe: Recipe, places: Places, screen: Screen, library: SuiteLibrary | None = None
) -> Finished:
    """Run a recipe's missing stages and finish its run folder.

    `library` has the suites that it is evaluated on; without one it is only trained.

    Raises:
        UserError: something in the recipe or on this machine must be corrected first.
        RunFailed: a stage failed; what was finished is kept.
    """
    plan = make_plan(recipe, places)
    section = EvaluateSection() if library is None else plan.recipe.evaluate
    library = library or SuiteLibrary(places.data_dir)
    untrained = not all(stage_of(plan, step, library).done for step in plan.steps)
    if untrained:
        check_methods(recipe)
        check_samples(plan.recipe, library)
    check_suites(section, library)
    resolve_judge(section, places)  # not found after hours of training
    reference = (plan.base, plan.base_fingerprint)
    if any_measured(KL, section.suites) and section.reference is not None:
        reference = resolve_reference(section, (), places)
    measures = bool(section.suites) + sum(any_measured(k, section.suites) for k in (KL, PAIRWISE))
    runner = StageRunner(screen, len(plan.steps) + measures + bool(places.tracking_uri))

    def stages() -> Iterator[Stage]:  # a key may depend on what came before
        if untrained and section.suites:
            _audit_before_training(plan, library, runner.report)
        yield from (stage_of(plan, step, library) for step in plan.steps)
        if section.suites:
            prints = plan.fingerprints()
            folders = {name: str(plan.checkpoint(name)) for name in prints}
            job = eval_job(plan.folder.path, section, places, folders, prints)
            job = job.model_copy(update={"audited": untrained})
            yield from evaluation_stages(
                job, library, recipe.compare.baseline, reference, section, places
            )

    def outcome() -> Result:
        data = {name: data_of(plan, name) for name in plan.recipe.checkpoints}
        return collect(plan.folder, plan.recipe, plan.key, plan.fingerprints(), data)

    return _complete(runner, stages(), outcome, plan.folder, places, recipe.compare.table)


def evaluate_models(
    named: Mapping[str, str],
    section: EvaluateSection,
    places: Places,
    screen: Screen,
    library: SuiteLibrary,
) -> Finished:
    """Evaluate checkpoints that exist already, side by side; the first is the baseline.

    `named` maps row names to checkpoint folders, hub names, or names at an endpoint.

    Raises:
        UserError, RunFailed: as `run`.
    """
    check_suites(section, library)
    folders, prints = resolve_checkpoints(named, section.engine, places)
    reference = None
    if any_measured(KL, section.suites):
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
    stages = tuple(evaluation_stages(job, library, baseline, reference, section, places))
    runner = StageRunner(screen, len(stages) + bool(places.tracking_uri))
    outcome = partial(collect, folder, recipe, key, prints)
    return _complete(runner, stages, outcome, folder, places)


def _complete(
    runner: StageRunner,
    stages: Iterable[Stage],
    outcome: Callable[[], Result],
    folder: RunFolder,
    places: Places,
    title: str | None = None,
) -> Finished:
    """Perform stages, then collect, compare, write and track what came of them."""
    with runner.screen:
        for stage in stages:
            runner.perform(stage)
        finished = finish(folder, outcome(), title)
        if places.tracking_uri:
            runner.perform(track_stage(finished, places))
    return replace(finished, events=tuple(runner.events))


def _audit_before_training(plan: Plan, library: SuiteLibrary, report: Reporter) -> None:
    """Look at an evaluation before hours of training are spent on it, once for each evaluation.

    It is done in this process, with the suites that are loaded already.
    """
    folder, job = plan.folder.audit, of_plan(plan, library)
    evaluation = evaluation_key(job.evaluation, library)
    key = digest({"run": plan.key, "untrained": job.untrained, "evaluation": evaluation})
    if is_done(folder, key):
        return
    silence_libraries()
    resolved = pending_job(folder)
    write_json(resolved, {"kind": "audit", "key": key, "job": job.model_dump(mode="json")})
    try:
        run_stage(
            "audit", resolved, report, work=lambda _, r: check_before_training(job, library, r)
        )
    finally:
        resolved.unlink(missing_ok=True)  # it is still there where another process is at work


def check_methods(recipe: Recipe) -> None:
    """Check that every checkpoint can be trained here.

    Raises:
        train.TrainError: no such method or setting, a package that it needs is not installed, or a
            step that the processes cannot share.
    """
    from train.model.loading import require_backend
    from train.objectives.registry import configure_loss
    from train.trainer.distributed import check_processes

    for config in recipe.checkpoints.values():
        configure_loss(config)
        require_backend(config)
        check_processes(config, recipe.launch.processes if recipe.launch else 1)


def check_suites(section: EvaluateSection, library: SuiteLibrary) -> None:
    """Check that every suite of an evaluation can be loaded and run here.

    Raises:
        eval_suites.UnknownSuiteError, eval_suites.DataError: no such suite, or no data for it.
        RecipeError: a suite needs a judge and none is chosen.
        UserError: a task of lm-eval that is not run here, or lm-eval is not installed.
        EngineUnavailable: this machine lacks what the engine needs, or engine or judge lack what a
            suite needs.
    """
    suites = [library.suite(name) for name in section.suites]
    require_judge(suites, section.judge)
    for name in section.suites:
        library.samples(name)
    if isinstance(section.limit, dict):
        for name in section.limit.keys() - set(section.suites):
            library.suite(name)  # a misspelt name
    if suites:
        for engine in filter(None, (section.engine, section.judge)):  # made, but not started
            make(EngineSpec(EngineChoice(name=engine.name, base_url=engine.base_url)))
        require_engine(suites, section.engine.name)

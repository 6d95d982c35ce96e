"""Checks before anything starts, so that no hours of training end in a missing file."""

from harness.engines.options import EngineChoice, EngineSpec
from harness.engines.registry import make
from harness.evaluate.judge.capabilities import require_engine, require_judge
from harness.evaluate.suites.library import SuiteLibrary
from harness.recipe.schema import EvaluateSection, Recipe


def check_methods(recipe: Recipe) -> None:
    """Check that every checkpoint can be trained here.

    Raises:
        train.TrainError: no such method or setting, a package that it needs is not installed, or a
            step that the processes cannot share.
    """
    from train.model.quantisation import require_backend
    from train.objectives.registry import configure_loss
    from train.trainer.schedule import check_processes

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
        _make(section.engine)
        require_engine(suites, section.engine.name)
    if suites and section.judge is not None:
        _make(section.judge)


def _make(engine: EngineChoice) -> None:
    """Make an engine of this kind, without its options, and start nothing."""
    make(EngineSpec(EngineChoice(name=engine.name, base_url=engine.base_url)))

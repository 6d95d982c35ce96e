"""The capabilities that suites need: of the engine that answers, and of the judge's."""

from collections.abc import Iterable
from typing import Any

from eval_suites.suite import Suite
from harness.engines.registry import capabilities_of
from harness.errors import EngineUnavailable, RecipeError
from harness.recipe.schema import JudgeChoice


def missing_from_engine(suite: Suite[Any], engine: str) -> str:
    """Return the capabilities that a suite needs and an engine lacks; "" for none."""
    return ", ".join(sorted(suite.sampling.needs - capabilities_of(engine)))


def missing_from_judge(suite: Suite[Any], judge: JudgeChoice) -> str:
    """Return the capabilities that a suite needs of its judge and that its engine lacks."""
    needs: frozenset[str] = frozenset() if suite.judging is None else suite.judging.needs
    return ", ".join(sorted(needs - capabilities_of(judge.name)))


def require_engine(suites: Iterable[Suite[Any]], engine: str) -> None:
    """Refuse suites that need what an engine lacks, before anything starts.

    Raises:
        EngineUnavailable: naming the first such suite and the remedy.
    """
    for suite in suites:
        if missing := missing_from_engine(suite, engine):
            raise EngineUnavailable(
                f"suite {suite.name} needs {missing}, which engine {engine} lacks: choose another "
                "with --engine"
            )


def require_judge(suites: Iterable[Suite[Any]], judge: JudgeChoice | None) -> None:
    """Refuse suites that need a judge, or what its engine lacks, before anything starts.

    Raises:
        RecipeError: no judge is chosen; the message names the first such suite and the key to set.
        EngineUnavailable: naming the first such suite and the remedy.
    """
    for suite in suites:
        if suite.judging is not None and judge is None:
            raise RecipeError(
                f"suite {suite.name} needs a judge: name one with --judge openai:MODEL (and "
                "--judge-url) or --judge vllm:FOLDER; in a recipe, set evaluate.judge"
            )
        if judge is not None and (missing := missing_from_judge(suite, judge)):
            raise EngineUnavailable(
                f"suite {suite.name} needs {missing} of its judge, which engine {judge.name} "
                "lacks: choose another judge"
            )

"""The capabilities of engines that suites need: of the one that answers and the one that judges."""

from collections.abc import Iterable
from typing import Any

from eval_suites.suite import Suite
from harness.engines.registry import capabilities_of
from harness.errors import EngineUnavailable
from harness.recipe.schema import JudgeChoice


def lacking(suite: Suite[Any], judge: JudgeChoice) -> str:
    """Capabilities that the suite needs of its judge and that this engine lacks; "" for none.

    Raises:
        EngineUnavailable: this machine lacks what the engine needs.
    """
    needs = frozenset() if suite.judging is None else suite.judging.needs
    able = capabilities_of(judge.name)
    return ", ".join(sorted(needs - able))


def require_fit(suites: Iterable[Suite[Any]], engine: str, capabilities: frozenset[str]) -> None:
    """Refuse suites that need what the engine lacks, before anything starts.

    Raises:
        EngineUnavailable: naming the first such suite and the remedy.
    """
    for suite in suites:
        if lacks := ", ".join(sorted(suite.sampling.needs - capabilities)):
            raise EngineUnavailable(
                f"suite {suite.name} needs {lacks}, which engine {engine} lacks: choose another "
                "with --engine"
            )


def require_able(suites: Iterable[Suite[Any]], judge: JudgeChoice | None) -> None:
    """Refuse suites whose judge's engine lacks what they need, before anything starts.

    Raises:
        EngineUnavailable: naming the first such suite and the remedy.
    """
    for suite in suites:
        if judge is not None and (lacks := lacking(suite, judge)):
            raise EngineUnavailable(
                f"suite {suite.name} needs {lacks} of its judge, which engine {judge.name} lacks: "
                "choose another judge"
            )

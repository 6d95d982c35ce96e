"""The suites that can run here: what they need, and the reason for each that cannot.

A suite needs capabilities of the engine that answers, and of the judge's. `all` stands for every
suite that can run here.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from eval_suites import registry
from eval_suites.errors import DataError, SandboxError
from eval_suites.sandbox.runner import Sandbox
from eval_suites.suite import JudgeRules, SamplingRules, Suite
from harness.engines.registry import capabilities_of
from harness.errors import EngineUnavailable, RecipeError
from harness.evaluate.suites.library import SuiteLibrary
from harness.recipe.schema import EvaluateSection, JudgeChoice

ALL = "all"


def expand_all(
    section: EvaluateSection, library: SuiteLibrary
) -> tuple[EvaluateSection, Mapping[str, str]]:
    """Return the section with suites in place of `all`, and the reason for each that is left out.

    A suite that is named beside `all` stays, so that its own error is shown.

    Raises:
        RecipeError: no engine has the name of the section's engine or judge.
    """
    if ALL not in section.suites:
        return section, {}
    named = [name for name in section.suites if name != ALL]
    uncontained = asyncio.run(_uncontained(unsafe=section.unsafe))
    reasons = {
        name: next(_reasons(name, section, library, uncontained), "") for name in registry.SUITES
    }
    able = [name for name, reason in reasons.items() if not reason]
    left_out = {name: why for name, why in reasons.items() if why and name not in named}
    suites = tuple(dict.fromkeys((*named, *able)))
    return section.model_copy(update={"suites": suites}), left_out


def _reasons(
    name: str, section: EvaluateSection, library: SuiteLibrary, uncontained: str
) -> Iterator[str]:
    """Yield the reasons why a suite cannot run here; its data is loaded only without others."""
    suite, engine, judge = library.suite(name), section.engine.name, section.judge
    if suite.sampling.training:
        yield "its samples are for training"
    if missing := _missing(suite.sampling, engine):
        yield f"engine {engine} lacks {missing}"
    if judge is None and suite.judging is not None:
        yield "no judge is chosen"
    if judge is not None and (missing := _missing(suite.judging, judge.name)):
        yield f"judge {judge.name} lacks {missing}"
    if suite.programs and uncontained:
        yield uncontained
    try:
        library.samples(name)
    except DataError as error:
        yield str(error)


async def _uncontained(*, unsafe: bool) -> str:
    """Return the reason why model-written programs cannot be run here; "" where they can."""
    try:
        async with Sandbox(unsafe=unsafe) as box:
            await box.tier()
    except SandboxError as error:
        return str(error)
    return ""


def require_engine(suites: Iterable[Suite[Any]], engine: str) -> None:
    """Refuse suites that need what an engine lacks, before anything starts.

    Raises:
        EngineUnavailable: naming the first such suite and the remedy.
    """
    for suite in suites:
        if missing := _missing(suite.sampling, engine):
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
        if judge is not None and (missing := _missing(suite.judging, judge.name)):
            raise EngineUnavailable(
                f"suite {suite.name} needs {missing} of its judge, which engine {judge.name} "
                "lacks: choose another judge"
            )


def _missing(rules: SamplingRules[Any] | JudgeRules[Any] | None, engine: str) -> str:
    """Return the capabilities that the rules of a suite need and an engine lacks; "" for none."""
    needs: frozenset[str] = frozenset() if rules is None else rules.needs
    return ", ".join(sorted(needs - capabilities_of(engine)))

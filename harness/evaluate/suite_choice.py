"""`all` among the suites: every suite that can run here, and why the others cannot."""

import asyncio
from collections.abc import Mapping
from typing import Any

from eval_suites import registry
from eval_suites.errors import DataError, SandboxError
from eval_suites.sandbox.runner import Sandbox
from eval_suites.suite import Suite
from harness.engines.registry import capabilities_of
from harness.evaluate.judge.capabilities import lacking
from harness.evaluate.judge.judge import is_judged
from harness.evaluate.suites.library import SuiteLibrary
from harness.recipe.schema import EvaluateSection, JudgeChoice

ALL = "all"


def expanded(
    section: EvaluateSection, library: SuiteLibrary
) -> tuple[EvaluateSection, Mapping[str, str]]:
    """Return the section with suites in place of `all`, and the reason for each that is left out.

    A suite that is named beside `all` stays, so that its own error is shown.

    Raises:
        EngineUnavailable: this machine lacks what the engine needs.
    """
    if ALL not in section.suites:
        return section, {}
    named = [name for name in section.suites if name != ALL]
    lacks = _lacks(section, library)
    able = [name for name in registry.SUITES if name not in lacks]
    both = tuple(dict.fromkeys((*named, *able)))
    left_out = {name: why for name, why in lacks.items() if name not in named}
    return section.model_copy(update={"suites": both}), left_out


def _lacks(section: EvaluateSection, library: SuiteLibrary) -> dict[str, str]:
    choice = section.engine
    capabilities = capabilities_of(choice.name)
    uncontained = _uncontained(unsafe=section.unsafe)
    reasons = {}
    for name in registry.SUITES:
        suite = library.suite(name)
        reason = (
            ("its samples are for training" if suite.sampling.training else "")
            or _engine_lacks(suite, capabilities, choice.name)
            or _judge_lacks(suite, section.judge)
            or (uncontained if suite.programs else "")
            or _data_lacks(name, library)
        )
        if reason:
            reasons[name] = reason
    return reasons


def _engine_lacks(suite: Suite[Any], capabilities: frozenset[str], engine: str) -> str:
    lacking = ", ".join(sorted(suite.sampling.needs - capabilities))
    return f"engine {engine} lacks {lacking}" if lacking else ""


def _judge_lacks(suite: Suite[Any], judge: JudgeChoice | None) -> str:
    if judge is None:
        return "no judge is chosen" if is_judged(suite) else ""
    lacks = lacking(suite, judge)
    return f"judge {judge.name} lacks {lacks}" if lacks else ""


def _data_lacks(name: str, library: SuiteLibrary) -> str:
    try:
        library.samples(name)
    except DataError as error:
        return str(error)
    return ""


def _uncontained(*, unsafe: bool) -> str:
    """Why model-written programs cannot be run here; "" where they can."""

    async def tried() -> None:
        async with Sandbox(unsafe=unsafe) as box:
            await box.tier()

    try:
        asyncio.run(tried())
    except SandboxError as error:
        return str(error)
    return ""

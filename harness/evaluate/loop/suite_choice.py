"""The suites of `all`: every suite that can run here, and the reason for each that cannot."""

import asyncio
from collections.abc import Iterator, Mapping

from eval_suites import registry
from eval_suites.errors import DataError, SandboxError
from eval_suites.sandbox.runner import Sandbox
from harness.evaluate.judge.capabilities import missing_from_engine, missing_from_judge
from harness.evaluate.suites.library import SuiteLibrary
from harness.recipe.schema import EvaluateSection

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
    uncontained = _uncontained(unsafe=section.unsafe)
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
    if missing := missing_from_engine(suite, engine):
        yield f"engine {engine} lacks {missing}"
    if judge is None and suite.judging is not None:
        yield "no judge is chosen"
    if judge is not None and (missing := missing_from_judge(suite, judge)):
        yield f"judge {judge.name} lacks {missing}"
    if suite.programs and uncontained:
        yield uncontained
    try:
        library.samples(name)
    except DataError as error:
        yield str(error)


def _uncontained(*, unsafe: bool) -> str:
    """Return the reason why model-written programs cannot be run here; "" where they can."""

    async def require_tier() -> None:
        async with Sandbox(unsafe=unsafe) as box:
            await box.tier()

    try:
        asyncio.run(require_tier())
    except SandboxError as error:
        return str(error)
    return ""

"""Engines by name. Heavy packages are imported when one is started, not before."""

from collections.abc import Callable

from harness.engines.base import Engine, EngineSpec
from harness.errors import RecipeError


def _fake(spec: EngineSpec) -> Engine:
    from harness.engines.fake import FakeEngine

    return FakeEngine(spec)


def _transformers(spec: EngineSpec) -> Engine:
    from harness.engines.transformers import TransformersEngine

    return TransformersEngine(spec)


def _vllm(spec: EngineSpec) -> Engine:
    from harness.engines.vllm import VllmEngine

    return VllmEngine(spec)


def _openai(spec: EngineSpec) -> Engine:
    from harness.engines.openai import OpenAIEngine

    return OpenAIEngine(spec)


ENGINES: dict[str, Callable[[EngineSpec], Engine]] = {
    "vllm": _vllm,
    "openai": _openai,
    "transformers": _transformers,
    "fake": _fake,
}


def make(spec: EngineSpec) -> Engine:
    """An engine that is not started yet.

    Raises:
        RecipeError: no engine has this name.
        EngineUnavailable: this machine lacks what it needs; the message names the remedy.
    """
    if spec.name not in ENGINES:
        raise RecipeError(f"no engine is called {spec.name!r}: use one of {', '.join(ENGINES)}")
    return ENGINES[spec.name](spec)

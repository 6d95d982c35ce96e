"""The engines by name. Heavy packages are imported when one is started, not before."""

from importlib import import_module
from typing import TYPE_CHECKING, cast

from harness.errors import RecipeError

if TYPE_CHECKING:
    from harness.engines.base import Engine
    from harness.engines.options import EngineSpec

#: Name -> the class, or "module:class"; those modules import nothing heavy at their top.
ENGINES: dict[str, "str | type[Engine]"] = {
    "vllm": "harness.engines.vllm:VllmEngine",
    "openai": "harness.engines.openai:OpenAIEngine",
    "transformers": "harness.engines.transformers:TransformersEngine",
    "fake": "harness.engines.fake:FakeEngine",
}
DEFAULT = "vllm"
#: The engine of models that somebody else serves, where only an address is given.
REMOTE = "openai"


def _class(name: str) -> "type[Engine]":
    """Return the class of an engine.

    Raises:
        RecipeError: no engine has this name.
    """
    if name not in ENGINES:
        raise RecipeError(f"no engine is called {name!r}: use one of {', '.join(ENGINES)}")
    entry = ENGINES[name]
    if not isinstance(entry, str):
        return entry
    module, _, attribute = entry.partition(":")
    return cast("type[Engine]", getattr(import_module(module), attribute))


def capabilities_of(name: str) -> frozenset[str]:
    """Return the capabilities of an engine (of `base.CAPABILITIES`), without making one.

    Raises:
        RecipeError: no engine has this name.
    """
    return _class(name).capabilities


def make(spec: "EngineSpec") -> "Engine":
    """Make an engine that is not started yet.

    Raises:
        RecipeError: no engine has this name.
        EngineUnavailable: this machine lacks what it needs; the message names the remedy.
    """
    return _class(spec.settings.name)(spec)

"""The engines by name; their modules are imported when one is asked for, not before."""

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
    """Return the class of an engine; raise RecipeError where none has this name."""
    if name not in ENGINES:
        raise RecipeError(f"no engine is called {name!r}: use one of {', '.join(ENGINES)}")
    from pkgutil import resolve_name

    entry = ENGINES[name]
    return cast("type[Engine]", resolve_name(entry)) if isinstance(entry, str) else entry


def capabilities_of(name: str) -> frozenset[str]:
    """Return the capabilities of an engine (of `base.CAPABILITIES`), without making one.

    Raises RecipeError where no engine has this name.
    """
    return _class(name).capabilities


def make(spec: "EngineSpec") -> "Engine":
    """Make an engine that is not started yet.

    Raises RecipeError where no engine has this name, and EngineUnavailable, naming the remedy,
    where this machine lacks what it needs.
    """
    return _class(spec.settings.name)(spec)

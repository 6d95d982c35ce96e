"""The settings of an engine that a recipe states, and what one is started with."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from harness.engines.registry import DEFAULT, capabilities_of
from harness.errors import ModelError, RecipeError


class EngineChoice(BaseModel):
    """The settings of an engine."""

    # options: {batch: 64} is what people write
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    name: str = DEFAULT  # one of `registry.ENGINES`
    dtype: str = "float32"  # of weights and activations: "float32", "bfloat16" or "auto"
    base_url: str = ""  # of an OpenAI-compatible endpoint
    concurrency: Annotated[int, Field(ge=1)] | None = None  # None for `in_flight` to decide
    max_model_len: Annotated[int, Field(ge=16)] = 2048  # longest prompt plus completion, in tokens
    options: dict[str, str] = {}  # numbers as text, for one engine alone (its class lists them)

    @property
    def remote(self) -> bool:
        """True where somebody else serves the models, so that they are names and no folders."""
        return "remote" in capabilities_of(self.name)

    @property
    def in_flight(self) -> int:
        """Requests in flight at once: what an endpoint bears, or enough to fill a local engine."""
        return self.concurrency or (64 if self.remote else 1024)


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """The settings of an engine, and the models that it serves."""

    settings: EngineChoice
    base: Path | None = None  # checkpoint folder of a local engine
    adapters: tuple[tuple[str, Path], ...] = ()  # model name, LoRA folder; all of the same base
    served: tuple[tuple[str, str], ...] = ()  # model name, the name that the endpoint knows it by


def read_options(settings: EngineChoice, defaults: Mapping[str, float]) -> dict[str, float]:
    """Return the options that an engine takes, with those that are set in place of the defaults.

    Raises RecipeError on an option that the engine does not take, or that is no number.
    """
    values = dict(defaults)
    for key, text in sorted(settings.options.items()):
        if key not in defaults:
            accepted = ", ".join(defaults) or "none"
            raise RecipeError(
                f"engine {settings.name} takes no option {key!r}: it takes {accepted}"
            )
        try:
            values[key] = float(text)
        except ValueError:
            raise RecipeError(f"engine option {key} = {text!r}: give a number") from None
    return values


def adapter_of(spec: EngineSpec, model: str) -> str | None:
    """Return the adapter that a request's model names, or None for the base ("" or "base").

    Raises ValueError where the engine was not started with this adapter.
    """
    names = [name for name, _ in spec.adapters]
    if model in names:
        return model
    if model in {"", "base"}:
        return None
    served = ", ".join(["base", *names])
    raise ValueError(f"engine {spec.settings.name} serves no model {model!r}: it serves {served}")


def local_base(spec: EngineSpec) -> Path:
    """Return the checkpoint folder of a local engine, once it and the adapters are verified.

    Raises ModelError where there is none, or a folder holds no checkpoint or no adapter.
    """
    if spec.base is None:
        name = spec.settings.name
        raise ModelError(f"engine {name} needs a checkpoint folder: set base in the recipe")
    if not (spec.base / "config.json").is_file():
        raise ModelError(f"{spec.base}: no checkpoint there (config.json is missing)")
    for name, folder in spec.adapters:
        if not (folder / "adapter_config.json").is_file():
            raise ModelError(
                f"{folder}: no adapter {name!r} there (adapter_config.json is missing)"
            )
    return spec.base


def longest(spec: EngineSpec) -> int:
    """Longest prompt plus completion, in tokens: what is set, or less if the model ends."""
    config = json.loads((local_base(spec) / "config.json").read_text(encoding="utf-8"))
    room = spec.settings.max_model_len
    return min(int(config.get("max_position_embeddings") or room), room)

"""The settings of an engine: those that a recipe states, and those that one is started with."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from harness.engines.registry import DEFAULT, capabilities_of
from harness.errors import ModelError, RecipeError


class EngineChoice(BaseModel):
    """The engine that a recipe chooses; see `EngineSpec` for the meaning of the fields."""

    # options: {batch: 64} is what people write
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    name: str = DEFAULT
    dtype: str = "float32"
    base_url: str = ""
    concurrency: Annotated[int, Field(ge=1)] | None = None
    max_model_len: Annotated[int, Field(ge=16)] = 2048
    options: dict[str, str] = {}

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
    """The settings that an engine is started with.

    Attributes:
        name: one of `harness.engines.registry.ENGINES`.
        base: checkpoint folder (local engines) or None.
        adapters: model name -> LoRA adapter folder, all of the same base.
        dtype: weights and activations, "float32", "bfloat16" or "auto".
        base_url: of an OpenAI-compatible endpoint.
        served: model name -> the name that the endpoint serves it under.
        concurrency: requests in flight at once.
        max_model_len: longest prompt plus completion, in tokens.
        options: name -> number as text, for one engine alone (its class lists what it takes).
    """

    name: str
    base: Path | None = None
    adapters: tuple[tuple[str, Path], ...] = ()
    dtype: str = "float32"
    base_url: str = ""
    served: tuple[tuple[str, str], ...] = ()
    concurrency: int = 64
    max_model_len: int = 2048
    options: tuple[tuple[str, str], ...] = ()


def read_options(spec: EngineSpec, defaults: Mapping[str, float]) -> dict[str, float]:
    """Return the options that an engine takes, with those of the spec in place of the defaults.

    Raises:
        RecipeError: an option that the engine does not take, or that is no number.
    """
    values = dict(defaults)
    for key, text in spec.options:
        if key not in defaults:
            accepted = ", ".join(defaults) or "none"
            raise RecipeError(f"engine {spec.name} takes no option {key!r}: it takes {accepted}")
        try:
            values[key] = float(text)
        except ValueError:
            raise RecipeError(f"engine option {key} = {text!r}: give a number") from None
    return values


def adapter_of(spec: EngineSpec, model: str) -> str | None:
    """Return the adapter that a request's model names, or None for the base ("" or "base").

    Raises:
        ValueError: the engine was not started with this adapter.
    """
    if any(name == model for name, _ in spec.adapters):
        return model
    if model in {"", "base"}:
        return None
    served = ", ".join(["base", *(name for name, _ in spec.adapters)])
    raise ValueError(f"engine {spec.name} serves no model {model!r}: it serves {served}")


def local_base(spec: EngineSpec) -> Path:
    """Return the checkpoint folder of a local engine, once it and the adapters are verified.

    Raises:
        ModelError: there is none, or a folder holds no checkpoint or no adapter.
    """
    if spec.base is None:
        raise ModelError(f"engine {spec.name} needs a checkpoint folder: set base in the recipe")
    if not (spec.base / "config.json").is_file():
        raise ModelError(f"{spec.base}: no checkpoint there (config.json is missing)")
    for name, folder in spec.adapters:
        if not (folder / "adapter_config.json").is_file():
            raise ModelError(
                f"{folder}: no adapter {name!r} there (adapter_config.json is missing)"
            )
    return spec.base


def longest(spec: EngineSpec) -> int:
    """Longest prompt plus completion, in tokens: what the spec says, or less if the model ends."""
    config = json.loads((local_base(spec) / "config.json").read_text(encoding="utf-8"))
    own = config.get("max_position_embeddings") or spec.max_model_len
    return min(int(own), spec.max_model_len)

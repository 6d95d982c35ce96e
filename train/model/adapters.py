"""LoRA adapter folders: their settings, and how they are put on their base."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from train.config import LoraConfig, TrainConfig
from train.errors import TrainError

SETTINGS = "adapter_config.json"
_WEIGHTS = "adapter_model.safetensors"


def is_adapter(folder: Path) -> bool:
    """Whether a folder says that it is an adapter."""
    return (folder / SETTINGS).is_file()


def settings(folder: Path) -> dict[str, Any]:
    """An adapter's own settings (`adapter_config.json`).

    Raises:
        TrainError: they cannot be read, are not LoRA's, or the weights are missing.
    """
    file = folder / SETTINGS
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        kind, base = found["peft_type"], found["base_model_name_or_path"]
    except (OSError, ValueError, KeyError, TypeError):
        raise TrainError(f"{file}: cannot be read as an adapter's settings; save it anew") from None
    if kind != "LORA":
        raise TrainError(f"{folder}: is an adapter of kind {kind}; only LoRA can be used here")
    if not (folder / _WEIGHTS).is_file():
        raise TrainError(f"{folder}: {_WEIGHTS} is missing; save or copy the adapter anew")
    return {**found, "base_model_name_or_path": base or ""}


def tokenizer_folder(base: Path, adapter: Path | None) -> Path:
    """Whose tokenizer and chat template count: the adapter's where it has its own."""
    own = ("tokenizer.json", "tokenizer_config.json")
    has = adapter is not None and any((adapter / name).is_file() for name in own)
    return adapter if adapter is not None and has else base


def adopt_adapter(config: TrainConfig, adapter: Path) -> TrainConfig:
    """The config of a run that trains an existing adapter on: its rank and scale are the adapter's.

    What the config does not set under `lora` is filled in, so that it says what is trained.

    Raises:
        TrainError: the config asks for all weights, or for another rank or scale.
    """
    if config.lora is None:
        raise TrainError(
            f"lora: null trains all weights, but the base {adapter} is an adapter: "
            f"`nca merge {adapter} -o DIR` makes a full checkpoint, then name DIR as base"
        )
    found = settings(adapter)
    own = {"rank": int(found["r"]), "scale": float(found["lora_alpha"])}
    return adopt_adapter_settings(config, own, f"the adapter {adapter}")


def adopt_adapter_settings(
    config: TrainConfig, own: Mapping[str, float], title: str
) -> TrainConfig:
    """As `adopt_adapter`, for an adapter of known `rank` and `scale` that may not be there yet.

    Args:
        config: of the run.
        own: the adapter's rank and scale.
        title: what the adapter is called in errors.

    Raises:
        TrainError: the config asks for all weights, or for another rank or scale.
    """
    if config.lora is None:
        raise TrainError(
            f"lora: null trains all weights, but {title} is an adapter: train that one with "
            "lora: null too, or leave it out here"
        )
    said = config.lora.model_fields_set if "lora" in config.model_fields_set else set[str]()
    wrong = [name for name in own if name in said and getattr(config.lora, name) != own[name]]
    if wrong:
        raise TrainError(
            f"lora.{wrong[0]}: {getattr(config.lora, wrong[0])} is not what {title} "
            f"has, and it is trained on as it is: leave it out, or write {own[wrong[0]]:g}"
        )
    return config.model_copy(update={"lora": LoraConfig.model_validate({**_rest(config), **own})})


def _rest(config: TrainConfig) -> dict[str, Any]:
    return {} if config.lora is None else config.lora.model_dump()


def load_adapter(model: Any, base: Path, adapter: Path, *, trainable: bool) -> Any:
    """The base with an adapter on it, without dropout; the adapter's weights in fp32.

    Raises:
        TrainError: the adapter does not fit this base.
    """
    from peft import PeftConfig, PeftModel

    settings(adapter)
    told = PeftConfig.from_pretrained(adapter)
    # A checkpoint that is saved later names the base as it was found here.
    told.lora_dropout, told.base_model_name_or_path = 0.0, str(base)
    try:
        return PeftModel.from_pretrained(model, adapter, is_trainable=trainable, config=told)
    except (RuntimeError, ValueError) as error:
        last = str(error).strip().splitlines()[-1].strip()
        raise TrainError(f"{adapter}: does not fit its base {base} ({last[:160]})") from error

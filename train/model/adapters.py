"""LoRA adapter folders: their settings, and loading one on its base."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from train.config import LoraConfig, TrainConfig
from train.errors import TrainError

SETTINGS = "adapter_config.json"
_WEIGHTS = "adapter_model.safetensors"


def is_adapter(folder: Path) -> bool:
    """Return whether a folder holds an adapter's settings."""
    return (folder / SETTINGS).is_file()


def read_settings(folder: Path) -> dict[str, Any]:
    """Read an adapter's own settings; raise TrainError unless it is a complete LoRA folder."""
    file = folder / SETTINGS
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
        kind, base = settings["peft_type"], settings["base_model_name_or_path"]
    except (OSError, ValueError, KeyError, TypeError):
        raise TrainError(f"{file}: cannot be read as an adapter's settings; save it anew") from None
    if kind != "LORA":
        raise TrainError(f"{folder}: is an adapter of kind {kind}; only LoRA can be used here")
    if not (folder / _WEIGHTS).is_file():
        raise TrainError(f"{folder}: {_WEIGHTS} is missing; save or copy the adapter anew")
    return {**settings, "base_model_name_or_path": base or ""}


def tokenizer_folder(base: Path, adapter: Path | None) -> Path:
    """Return the folder whose tokenizer is used: the adapter's where it has its own."""
    own = ("tokenizer.json", "tokenizer_config.json")
    has = adapter is not None and any((adapter / name).is_file() for name in own)
    return adapter if adapter is not None and has else base


def adopt_adapter(config: TrainConfig, adapter: Path) -> TrainConfig:
    """Return the config of a run that trains an adapter on, with the adapter's rank and scale.

    Raises TrainError where the config asks for all weights, or for another rank or scale.
    """
    if config.lora is None:
        raise TrainError(
            f"lora: null trains all weights, but the base {adapter} is an adapter: "
            f"`nca merge {adapter} -o DIR` makes a full checkpoint, then name DIR as base"
        )
    settings = read_settings(adapter)
    own = {"rank": int(settings["r"]), "scale": float(settings["lora_alpha"])}
    return adopt_adapter_settings(config, own, f"the adapter {adapter}")


def adopt_adapter_settings(
    config: TrainConfig, own: Mapping[str, float], title: str
) -> TrainConfig:
    """Do as `adopt_adapter` for an adapter that may not exist yet, of its own `rank` and `scale`.

    `title` is the adapter's name in errors.
    """
    if config.lora is None:
        raise TrainError(
            f"lora: null trains all weights, but {title} is an adapter: train that one with "
            "lora: null too, or leave it out here"
        )
    stated = config.lora.model_fields_set if "lora" in config.model_fields_set else set[str]()
    for name, value in own.items():
        if name in stated and getattr(config.lora, name) != value:
            raise TrainError(
                f"lora.{name}: {getattr(config.lora, name)} is not what {title} "
                f"has, and it is trained on as it is: leave it out, or write {value:g}"
            )
    lora = LoraConfig.model_validate({**config.lora.model_dump(), **own})
    return config.model_copy(update={"lora": lora})


def load_adapter(model: Any, base: Path, adapter: Path, *, trainable: bool) -> Any:
    """Load an adapter on its base, in fp32, without dropout; raise TrainError on a misfit."""
    from peft import PeftConfig, PeftModel

    read_settings(adapter)
    config = PeftConfig.from_pretrained(adapter)
    # A checkpoint that is saved later names the base by its folder here.
    config.lora_dropout, config.base_model_name_or_path = 0.0, str(base)
    try:
        return PeftModel.from_pretrained(model, adapter, is_trainable=trainable, config=config)
    except (RuntimeError, ValueError) as error:
        last = str(error).strip().splitlines()[-1].strip()
        raise TrainError(f"{adapter}: does not fit its base {base} ({last[:160]})") from error

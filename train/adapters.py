"""LoRA adapter folders: what they say of themselves, how they go onto their base, merging them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from train.config import LoraConfig, TrainConfig
from train.errors import TrainError

SETTINGS = "adapter_config.json"
_WEIGHTS = "adapter_model.safetensors"
_EMBEDDINGS = {"lm_head", "embed_tokens"}


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


def tokenizer_home(base: Path, adapter: Path | None) -> Path:
    """Whose tokenizer and chat template count: the adapter's where it has its own."""
    own = ("tokenizer.json", "tokenizer_config.json")
    has = adapter is not None and any((adapter / name).is_file() for name in own)
    return adapter if adapter is not None and has else base


def continuing(config: TrainConfig, adapter: Path) -> TrainConfig:
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
    return continuing_with(config, own, f"the adapter {adapter}")


def continuing_with(config: TrainConfig, own: Mapping[str, float], title: str) -> TrainConfig:
    """As `continuing`, for an adapter of known `rank` and `scale` that may not be there yet.

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


def put_on(model: Any, base: Path, adapter: Path, *, trainable: bool) -> Any:
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


def merge(adapter: Path, base: Path, out: Path) -> None:
    """Write a full checkpoint: the base's weights with the adapter's changes, in the base's dtype.

    Tokenizer and chat template are the adapter's own where its folder has them, else the base's.
    The folder appears whole, under its name, or not at all. An adapter that was trained on a
    quantised base is merged into the unquantised one.

    Args:
        adapter: a LoRA folder.
        base: the full checkpoint under it.
        out: the folder to be made.

    Raises:
        TrainError: one of the folders is not what it should be, or the two do not fit.
    """
    from train.model import load_base, load_tokenizer, save_checkpoint

    refuse_unmergeable(adapter, out)
    tokenizer = load_tokenizer(tokenizer_home(base, adapter))
    model = load_base(base, "auto", device="cpu")
    if model.config.get_text_config().tie_word_embeddings:
        _refuse_tied(adapter)
    dtype = model.dtype
    try:
        merged = put_on(model, base, adapter, trainable=False).merge_and_unload(safe_merge=True)
    except ValueError as error:  # it checks for NaN
        raise TrainError(f"{adapter}: cannot be merged ({error})") from error
    save_checkpoint(merged.to(dtype), tokenizer, out)


def refuse_unmergeable(adapter: Path, out: Path) -> None:
    """What can be known before anything is loaded.

    Raises:
        TrainError: `adapter` is no adapter, or `out` is there already.
    """
    if not is_adapter(adapter):
        if (adapter / "config.json").is_file():
            raise TrainError(f"{adapter}: is a full checkpoint already; use it as it is")
        raise TrainError(f"{adapter}: no adapter: {SETTINGS} is missing; name a LoRA checkpoint")
    settings(adapter)
    if out.exists():
        raise TrainError(f"{out}: is there already; name another folder with -o, or remove it")


def _refuse_tied(adapter: Path) -> None:
    """One matrix that serves as embedding and head cannot take a change meant for one of them."""
    found = settings(adapter)
    lists = (found.get(key) for key in ("target_modules", "modules_to_save"))
    named = {
        str(name).rpartition(".")[2] for part in lists if isinstance(part, list) for name in part
    }
    if changed := _EMBEDDINGS & named:
        raise TrainError(
            f"{adapter}: changes {', '.join(sorted(changed))}, which this base ties to its other "
            "end; such an adapter cannot be merged: use it as it is"
        )

"""The base model of a run, its adapter, and the checkpoint folder that comes out."""

import os
import shutil
from pathlib import Path
from typing import Any

import torch
from torch import nn

from train.config import LoraConfig, TrainJob
from train.errors import TrainError
from train.model.adapters import is_adapter, load_adapter
from train.model.quantisation import keep_differentiable, nf4


def load_tokenizer(base: Path) -> Any:
    """The tokenizer of a checkpoint folder.

    Raises:
        TrainError: the folder holds no tokenizer.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(base, local_files_only=True)
    except (OSError, ValueError) as error:
        raise TrainError(f"{base}: no tokenizer there ({_line(error)})") from error


def load_base(
    base: Path, dtype: str, quantise: str | None = None, device: str | None = None
) -> Any:
    """The model of a full checkpoint folder, without dropout, on the GPU where there is one.

    Args:
        base: a full checkpoint.
        dtype: `float32` or `bfloat16`, of the weights; `auto` is the checkpoint's own.
        quantise: `nf4` keeps the linear layers' weights in 4 bits (`train.model.quantisation`).
        device: another one than the GPU.

    Raises:
        TrainError: the folder is an adapter or no checkpoint.
    """
    from transformers import AutoConfig, AutoModelForCausalLM

    if is_adapter(base):
        raise TrainError(f"{base}: is an adapter: name its base as `base` and it as `adapter`")
    if not (base / "config.json").is_file():
        raise TrainError(f"{base}: no checkpoint: config.json is missing")
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    kind: Any = dtype if dtype == "auto" else getattr(torch, dtype)
    # A model in 4 bits is quantised while it is loaded, on the device where it will stay.
    bits = {"quantization_config": nf4(kind), "device_map": {"": device}} if quantise else {}
    try:
        config = _without_dropout(AutoConfig.from_pretrained(base, local_files_only=True))
        model = AutoModelForCausalLM.from_pretrained(
            base, config=config, dtype=kind, local_files_only=True, **bits
        )
    except (OSError, ValueError) as error:
        raise TrainError(f"{base}: cannot be loaded as a causal model ({_line(error)})") from error
    return (keep_differentiable(model) if quantise else model.to(device)).eval()


def load_reference(job: TrainJob) -> Any:
    """The reference of a job: its base, with the job's adapter on it where there is one.

    A run that continues an SFT adapter is measured against a frozen copy of that adapter. No
    second copy is kept in memory: the reference's log-probabilities are computed by this very
    model before the first update and stay on disk (`train.trainer.reference`), so the stored
    numbers are the frozen copy, and the adapter itself is then free to be trained on.

    Raises:
        TrainError: base or adapter cannot be loaded, or they do not fit.
    """
    config = job.config
    model = load_base(job.base, config.dtype, config.lora.quantise if config.lora else None)
    if job.adapter is None:
        return model
    return load_adapter(model, job.base, job.adapter, trainable=True).eval()


def attach(model: Any, lora: LoraConfig | None, seed: int) -> Any:
    """The policy: the model with fresh adapters on all linear layers, or the model itself.

    A fresh adapter changes nothing, so the policy begins as the reference. An adapter that is on
    the model already is the one to be trained.
    """
    if lora is None or hasattr(model, "peft_config"):
        return model
    from peft import LoraConfig as PeftConfig
    from peft import get_peft_model

    torch.manual_seed(seed)
    settings = PeftConfig(
        r=lora.rank,
        lora_alpha=lora.scale,
        lora_dropout=0.0,
        target_modules=_linear_names(model),
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, settings)


def _linear_names(model: Any) -> list[str]:
    """Last names of all linear layers but the head: short, and known to every engine."""
    head = model.get_output_embeddings()
    linear = (n for n, m in model.named_modules() if isinstance(m, nn.Linear) and m is not head)
    return sorted({name.rpartition(".")[2] for name in linear})


def save_checkpoint(
    model: Any, tokenizer: Any, folder: Path, weights: dict[str, torch.Tensor] | None = None
) -> None:
    """Write weights (or the adapter), tokenizer and chat template; whole or not at all.

    `weights` are the model's gathered ones where it holds only its process's pieces.
    """
    new = folder.with_name(f"{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(new, ignore_errors=True)
    if hasattr(model, "peft_config"):
        # The head is never trained by an adapter; "auto" would ask the hub about it.
        model.save_pretrained(new, save_embedding_layers=False, state_dict=weights)
        (new / "README.md").unlink(missing_ok=True)
    else:
        model.save_pretrained(new, state_dict=weights)
    tokenizer.save_pretrained(new)
    if folder.exists():
        shutil.rmtree(folder)
    new.replace(folder)


def _without_dropout(config: Any) -> Any:
    """Every dropout probability of the configuration set to 0, for policy and reference alike."""
    for part in (config, config.get_text_config()):
        for name, value in vars(part).items():
            if isinstance(value, float) and ("dropout" in name or name.endswith("pdrop")):
                setattr(part, name, 0.0)
    return config


def _line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__

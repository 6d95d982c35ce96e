"""The base model of a run, its adapter, and checkpoint folders, written as they are or merged.

The base of QLoRA is in 4 bits (Dettmers et al., arXiv 2305.14314), through bitsandbytes.
"""

import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import nn

from train.config import LoraConfig, TrainConfig, TrainJob
from train.errors import TrainError
from train.model.adapters import SETTINGS, is_adapter, load_adapter, read_settings, tokenizer_folder
from train.model.files import raise_on_full_disk


def load_tokenizer(base: Path) -> Any:
    """Load the tokenizer of a checkpoint folder; raise TrainError where there is none."""
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(base, local_files_only=True)
    except (OSError, ValueError) as error:
        raise TrainError(f"{base}: no tokenizer there ({_first_line(error)})") from error


def load_base(
    base: Path, dtype: str, quantise: str | None = None, device: str | None = None
) -> Any:
    """Load the model of a full checkpoint folder without dropout.

    `dtype` is `float32` or `bfloat16`, of the weights (`auto`: the checkpoint's own). `quantise:
    nf4` keeps the linear layers' weights in 4 bits (`nf4_config`). The device is by default the GPU
    where there is one. Raises TrainError where the folder is an adapter or no checkpoint.
    """
    from transformers import AutoConfig, AutoModelForCausalLM

    if is_adapter(base):
        raise TrainError(f"{base}: is an adapter: name its base as `base` and it as `adapter`")
    if not (base / "config.json").is_file():
        raise TrainError(f"{base}: no checkpoint: config.json is missing")
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    kind: Any = dtype if dtype == "auto" else getattr(torch, dtype)
    # A model in 4 bits is quantised while it is loaded, on the device where it will stay.
    bits = {"quantization_config": nf4_config(kind), "device_map": {"": device}} if quantise else {}
    try:
        config = AutoConfig.from_pretrained(base, local_files_only=True)
        _remove_dropout(config)
        model = AutoModelForCausalLM.from_pretrained(
            base, config=config, dtype=kind, local_files_only=True, **bits
        )
    except (OSError, ValueError) as error:
        line = _first_line(error)
        raise TrainError(f"{base}: cannot be loaded as a causal model ({line})") from error
    if not quantise:
        return model.to(device).eval()
    # On a CPU with AVX512-BF16, bitsandbytes (0.50) repacks a layer's weights for good at its first
    # pass without gradient, such as the reference's; results computed from them afterwards have no
    # gradient towards the layers below, and only a warning says so.
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
    return model.eval()


def require_backend(config: TrainConfig) -> None:
    """Raise TrainError where the config quantises and bitsandbytes is missing or useless here."""
    if config.lora is None or config.lora.quantise is None:
        return
    remedy = "pip install bitsandbytes, or leave lora.quantise out"
    if find_spec("bitsandbytes") is None:
        raise TrainError(f"lora.quantise: nf4 needs bitsandbytes, which is not installed: {remedy}")
    from transformers.integrations import validate_bnb_backend_availability

    try:
        validate_bnb_backend_availability(raise_exception=True)
    except (ImportError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0]
        raise TrainError(
            f"lora.quantise: bitsandbytes cannot be used here ({first[:160]}): {remedy}"
        ) from error


def nf4_config(dtype: torch.dtype) -> Any:
    """Build the configuration of NF4 weights with double quantisation, multiplied in `dtype`.

    Head, norms and embeddings are left as they are, so policy and reference are the same numbers.
    peft's `prepare_model_for_kbit_training` is not used: `get_peft_model` does the freezing, and
    norms, embeddings and head in fp32 would make every activation fp32.
    """
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def number_format(config: TrainConfig) -> str:
    """Return the base's number format, such as `bfloat16+nf4`: part of a reference's key."""
    quantise = config.lora.quantise if config.lora else None
    return f"{config.dtype}+{quantise}" if quantise else config.dtype


def load_reference(job: TrainJob) -> Any:
    """Load the reference of a job: its base, with the job's adapter on it where there is one.

    A run that continues an SFT adapter is measured against that adapter, frozen. No second copy is
    kept in memory: this model computes the reference's log-probabilities before the first update,
    they stay on disk (`train.trainer.reference`), and then the adapter itself is trained.
    """
    config = job.config
    model = load_base(job.base, config.dtype, config.lora.quantise if config.lora else None)
    if job.adapter is not None:
        model = load_adapter(model, job.base, job.adapter, trainable=True).eval()
    return model


def attach(model: Any, lora: LoraConfig | None, seed: int) -> Any:
    """Put fresh adapters on all linear layers of the reference, which makes it the policy.

    A fresh adapter changes nothing, so the policy begins as the reference. The model is returned as
    it is where all weights are trained, or where it has the adapter to be trained already.
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
        # The last part of a layer's name is short, and known to every engine.
        target_modules=sorted({name.rpartition(".")[2] for name, _ in linear_layers(model)}),
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, settings)


def linear_layers(model: Any) -> Iterator[tuple[str, nn.Linear]]:
    """Yield the names and modules of all linear layers but the head."""
    head = model.get_output_embeddings()
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and module is not head:
            yield name, module


def save_checkpoint(
    model: Any, tokenizer: Any, folder: Path, weights: dict[str, torch.Tensor] | None = None
) -> None:
    """Write weights (or the adapter), tokenizer and chat template; all of it or nothing.

    `weights` are given where the model holds only its process's shards of them.
    """
    new = folder.with_name(f"{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(new, ignore_errors=True)
    # The head is never trained by an adapter; "auto" would ask the hub about it.
    peft = {"save_embedding_layers": False} if hasattr(model, "peft_config") else {}
    model.save_pretrained(new, state_dict=weights, **peft)
    if peft:
        (new / "README.md").unlink(missing_ok=True)
    tokenizer.save_pretrained(new)
    if folder.exists():
        shutil.rmtree(folder)
    new.replace(folder)


def merge(adapter: Path, base: Path, out: Path) -> None:
    """Write a full checkpoint: the base's weights with the adapter's changes, in the base's dtype.

    Tokenizer and chat template are the adapter's own where its folder has them, else the base's.
    The folder `out` is complete or does not exist. An adapter that was trained on a quantised base
    is merged into the unquantised one. Raises TrainError where a folder is not what it should be or
    the two do not fit, and OSError (`ENOSPC`) where the disk is full.
    """
    refuse_unmergeable(adapter, out)
    with raise_on_full_disk(out.parent):
        tokenizer = load_tokenizer(tokenizer_folder(base, adapter))
        model = load_base(base, "auto", device="cpu")
        if model.config.get_text_config().tie_word_embeddings:
            _refuse_tied(adapter)
        adapted, dtype = load_adapter(model, base, adapter, trainable=False), model.dtype
        try:
            merged = adapted.merge_and_unload(safe_merge=True)
        except ValueError as error:  # it checks for NaN
            raise TrainError(f"{adapter}: cannot be merged ({error})") from error
        save_checkpoint(merged.to(dtype), tokenizer, out)


def refuse_unmergeable(adapter: Path, out: Path) -> None:
    """Raise TrainError, before anything is loaded, unless `adapter` is one and `out` is new."""
    if not is_adapter(adapter):
        if (adapter / "config.json").is_file():
            raise TrainError(f"{adapter}: is a full checkpoint already; use it as it is")
        raise TrainError(f"{adapter}: no adapter: {SETTINGS} is missing; name a LoRA checkpoint")
    read_settings(adapter)
    if out.exists():
        raise TrainError(f"{out}: is there already; name another folder with -o, or remove it")


def _refuse_tied(adapter: Path) -> None:
    """Refuse an adapter of embedding or head where one matrix serves as both."""
    settings = read_settings(adapter)
    lists = (settings.get(key) for key in ("target_modules", "modules_to_save"))
    names = chain.from_iterable(part for part in lists if isinstance(part, list))
    if changed := {"lm_head", "embed_tokens"} & {str(name).rpartition(".")[2] for name in names}:
        raise TrainError(
            f"{adapter}: changes {', '.join(sorted(changed))}, which this base ties to its other "
            "end; such an adapter cannot be merged: use it as it is"
        )


def _remove_dropout(config: Any) -> None:
    for part in (config, config.get_text_config()):
        for name, value in vars(part).items():
            if isinstance(value, float) and ("dropout" in name or name.endswith("pdrop")):
                setattr(part, name, 0.0)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__

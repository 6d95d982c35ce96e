"""The base of QLoRA in 4 bits (Dettmers et al., arXiv 2305.14314), through bitsandbytes."""

from importlib.util import find_spec
from typing import Any

import torch

from train.config import TrainConfig
from train.errors import TrainError


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

    The head is left as it is, and so are norms and embeddings: policy and reference are the same
    numbers in the same dtype. peft's `prepare_model_for_kbit_training` is not used: freezing is
    done by `get_peft_model`, and norms, embeddings and head in fp32 would make every activation
    fp32.
    """
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def keep_differentiable(model: Any) -> Any:
    """Make the model use one kernel for reference and policy, and return it.

    On a CPU with AVX512-BF16, bitsandbytes (0.50) repacks a layer's weights for good at its first
    pass without gradient, such as the reference's; results computed from them afterwards have no
    gradient towards the layers below, and only a warning says so.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
    return model


def number_format(config: TrainConfig) -> str:
    """Return the base's number format, such as `bfloat16+nf4`: part of a reference's key."""
    quantise = config.lora.quantise if config.lora else None
    return f"{config.dtype}+{quantise}" if quantise else config.dtype

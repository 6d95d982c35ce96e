"""The shape of a model, counted on the meta device from configuration values alone."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from train.config import LoraConfig
from train.errors import TrainError
from train.model.loading import attach, linear_layers


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The widths and parameter counts of a model on which its cost depends."""

    kind: str  # the architecture's name
    layers: int  # decoder layers
    hidden: int  # width between layers
    query: int  # width of all query heads together
    key: int  # width of all key heads together; values are as wide
    inner: int  # width inside the feed-forward part that one token sees (all its experts)
    rank: int  # of the adapters; 0 where all weights are trained
    total: int  # all parameters, adapters included
    trained: int  # parameters that get gradients
    quantisable: int  # parameters of linear layers but the head: a 4-bit base has them in 4 bits
    active: int  # parameters multiplied with one token in the layers (its experts'), no adapters
    head: int  # parameters multiplied with one predicted token


def model_configuration(folder: Path | None, values: Mapping[str, Any]) -> Any:
    """Build a transformers configuration from a folder's `config.json`, else from given values.

    Raises TrainError where the folder has none, or this architecture does not know a value's name.
    """
    from huggingface_hub.errors import StrictDataclassError
    from transformers import AutoConfig

    if folder is not None:
        try:
            return AutoConfig.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError) as error:
            raise TrainError(f"{folder}: its config.json cannot be read ({error})") from None
    rest = dict(values)
    kind = str(rest.pop("model_type", ""))
    try:
        names = AutoConfig.for_model(kind).to_dict()
    except (KeyError, ValueError):
        raise TrainError(
            f"architecture.model_type: {kind!r} is no architecture of transformers; write the "
            "base's own, for example mistral"
        ) from None
    if unknown := [name for name in rest if name not in names]:
        near = difflib.get_close_matches(unknown[0], names, n=1)
        hint = f": did you mean {near[0]!r}?" if near else ""
        raise TrainError(f"architecture.{unknown[0]}: {kind} has no such value{hint}")
    try:
        return AutoConfig.for_model(kind, **rest)
    except (StrictDataclassError, ValueError, TypeError) as error:
        last = str(error).strip().splitlines()[-1].strip()
        raise TrainError(f"architecture: not a configuration of {kind} ({last})") from None


def count_parameters(
    config: Any, lora: LoraConfig | None, adapter: Path | None = None
) -> ModelShape:
    """Count a model's parameters, with the adapters that a run would train.

    These are fresh ones on all linear layers (`lora`; None trains all weights), or those of the
    folder `adapter`. Raises TrainError where there is no causal language model of this transformers
    configuration.
    """
    from transformers import AutoModelForCausalLM

    text = config.get_text_config()
    try:
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config)
            # Counted before adapters are attached, which are linear layers too.
            linear = sum(layer.weight.numel() for _, layer in linear_layers(model))
            head = model.get_output_embeddings().weight.numel()
            active = _count_active(model, text)
            policy = _attach(model, lora, adapter)
    except (ValueError, TypeError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0]
        raise TrainError(f"{config.model_type}: no model of this configuration ({first})") from None
    peft = getattr(policy, "peft_config", {}).get("default")
    width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    inner = getattr(text, "moe_intermediate_size", None) or text.intermediate_size
    return ModelShape(
        kind=config.model_type,
        layers=text.num_hidden_layers,
        hidden=text.hidden_size,
        query=text.num_attention_heads * width,
        key=(getattr(text, "num_key_value_heads", None) or text.num_attention_heads) * width,
        inner=inner * (getattr(text, "num_experts_per_tok", None) or 1),
        rank=peft.r if peft else 0,
        total=sum(p.numel() for p in policy.parameters()),
        trained=sum(p.numel() for p in policy.parameters() if p.requires_grad),
        quantisable=linear,
        active=active,
        head=head,
    )


def _attach(model: Any, lora: LoraConfig | None, adapter: Path | None) -> Any:
    if adapter is None:
        return attach(model, lora, seed=0)
    from peft import PeftConfig, get_peft_model

    settings = PeftConfig.from_pretrained(adapter)
    settings.inference_mode = False
    return get_peft_model(model, settings)


def _count_active(model: Any, text: Any) -> int:
    """Count the matrices of the layers; of stacked experts, the share that one token uses."""
    tables = {id(model.get_output_embeddings().weight), id(model.get_input_embeddings().weight)}
    active = getattr(text, "num_experts_per_tok", None) or 1
    matrices = [p for p in model.parameters() if p.dim() >= 2 and id(p) not in tables]
    return sum(p.numel() * active // len(p) if p.dim() == 3 else p.numel() for p in matrices)

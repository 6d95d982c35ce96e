"""The LoRA adapters that vLLM serves beside their base, and the settings it needs for them.

As vLLM 0.32 has it (`vllm/lora/peft_helper.py`, `vllm/config/lora.py`); a newer one that serves
more is only used less well than it could be.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

#: Ranks that vLLM has kernels for.
_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
#: Of PEFT's settings those that vLLM leaves out, and what an adapter with them is.
_UNKNOWN = {
    "use_dora": "DoRA",
    "modules_to_save": "whole modules (modules_to_save)",
    "lora_bias": "biases (lora_bias)",
    "alora_invocation_tokens": "activated LoRA",
    "layer_replication": "repeated layers (layer_replication)",
    "use_bdlora": "block-diagonal LoRA",
    "use_qalora": "QALoRA",
}
#: Ways to begin that leave the base as it is; others change it when PEFT loads the adapter.
_PLAIN_STARTS = {"gaussian", "eva", "orthogonal", "mica", "lora_ga"}


def refusal(adapter: Path) -> str:
    """Return the reason why vLLM cannot serve an adapter beside its base; "" where it can."""
    settings = _settings(adapter)
    if (rank := _rank(settings)) > _RANKS[-1]:
        return f"rank {rank} is more than {_RANKS[-1]}"
    for key, name in _UNKNOWN.items():
        if settings.get(key):
            return f"it has {name}"
    if settings.get("bias", "none") != "none":
        return f"it has biases (bias: {settings['bias']})"
    start = settings.get("init_lora_weights", True)
    if isinstance(start, str) and start.lower() not in _PLAIN_STARTS:
        return f"it changes its base (init_lora_weights: {start})"
    return ""


def rank_for(adapters: Iterable[Path]) -> int:
    """Return the smallest rank of vLLM that holds all of these adapters, none refused."""
    needed = max(_rank(_settings(adapter)) for adapter in adapters)
    return next(rank for rank in _RANKS if rank >= needed)


def _settings(adapter: Path) -> Mapping[str, Any]:
    settings: dict[str, Any] = json.loads(
        (adapter / "adapter_config.json").read_text(encoding="utf-8")
    )
    return settings


def _rank(settings: Mapping[str, Any]) -> int:
    patterns: Mapping[str, int] = settings.get("rank_pattern") or {}
    return max(int(settings["r"]), *patterns.values(), 0)

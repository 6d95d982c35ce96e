"""The LoRA adapters that vLLM serves beside their base: settings, and rows of both in one batch.

As vLLM 0.32 has it (`vllm/lora/peft_helper.py`, `vllm/config/lora.py`); a newer one that serves
more is only used less well than it could be. On a CPU it gives base rows the adapter of another
row in their batch. Only a trial tells whether the installed one does; where it fails, the two
take turns.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

#: Asks for the log-probabilities, nats, of what follows on a fixed prompt, token by token: under
#: an adapter, or the base.
Scores = Callable[[str | None], Awaitable[Sequence[float]]]

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
    needed = max((_rank(_settings(adapter)) for adapter in adapters), default=1)
    return next(rank for rank in _RANKS if rank >= needed)


def _settings(adapter: Path) -> Mapping[str, Any]:
    settings: dict[str, Any] = json.loads((adapter / "adapter_config.json").read_bytes())
    return settings


def _rank(settings: Mapping[str, Any]) -> int:
    return int(max([settings["r"], *(settings.get("rank_pattern") or {}).values()]))


class Turns:
    """Lets requests of one side in, never of two at once."""

    def __init__(self) -> None:
        self._side: object = None
        self._inside = 0
        self._left = asyncio.Condition()

    @asynccontextmanager
    async def turn(self, side: object) -> AsyncIterator[None]:
        """Wait until requests of this side may be inside, and be inside."""
        async with self._left:
            await self._left.wait_for(lambda: self._inside == 0 or self._side == side)
            self._side = side
            self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
            async with self._left:
                self._left.notify_all()


async def mixes(scores: Scores, adapters: Sequence[str]) -> bool:
    """Return True if base rows stay the base's in a batch with adapter rows.

    The base's log-probabilities, alone and among rows of all adapters (one at least), must differ
    by less than a quarter of what the weakest adapter changes. One that changes nothing proves
    nothing: False. All are loaded first: base rows get what lies in the last place, which may be
    empty before.
    """

    def apart(row: Sequence[float]) -> float:
        """Return the largest difference from the base alone, nats."""
        return max(abs(a - b) for a, b in zip(row, alone, strict=True))

    alone = await scores(None)
    weakest = min([apart(await scores(adapter)) for adapter in adapters])
    sides = [side for adapter in adapters for side in (None, adapter)] * 2
    together = await asyncio.gather(*(scores(side) for side in sides))
    worst = max(apart(row) for row, side in zip(together, sides, strict=True) if not side)
    return worst < weakest / 4

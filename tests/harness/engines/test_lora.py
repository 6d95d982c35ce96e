"""Which adapters vLLM may be given, and rows of base and adapters in one batch."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.engines.lora import Turns, mixes, rank_for, refusal


def adapter(folder: Path, **settings: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    return folder


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, ""),
        ({"use_rslora": True, "bias": "none", "modules_to_save": None}, ""),
        ({"init_lora_weights": "gaussian", "rank_pattern": {"q_proj": 512}}, ""),
        ({"r": 513}, "rank 513"),
        ({"rank_pattern": {"q_proj": 600}}, "rank 600"),
        ({"use_dora": True}, "DoRA"),
        ({"modules_to_save": ["lm_head"]}, "whole modules"),
        ({"bias": "lora_only"}, "biases"),
        ({"init_lora_weights": "pissa"}, "changes its base"),
    ],
)
def test_what_vllm_does_not_know_is_named(
    settings: dict[str, object], why: str, tmp_path: Path
) -> None:
    said = refusal(adapter(tmp_path, **{"r": 8, **settings}))
    assert why in said
    assert bool(said) == bool(why)


def test_the_rank_is_the_smallest_that_holds_all(tmp_path: Path) -> None:
    small = adapter(tmp_path / "a", r=8)
    large = adapter(tmp_path / "b", r=4, rank_pattern={"q_proj": 20})
    assert (rank_for([small]), rank_for([small, large])) == (8, 32)


def test_base_and_adapter_rows_are_never_in_together() -> None:
    inside: list[bool] = []
    most = 0

    async def row(turns: Turns, side: bool) -> None:
        nonlocal most
        async with turns.turn(side):
            inside.append(side)
            assert set(inside) == {side}
            most = max(most, len(inside))
            await asyncio.sleep(0.001)
            inside.remove(side)

    async def main() -> None:
        turns = Turns()
        await asyncio.gather(*(row(turns, k % 2 == 0) for k in range(40)))

    asyncio.run(main())
    assert most == 20


class Batching:
    """An engine whose base rows are off by a share of the adapter's effect when in company."""

    def __init__(self, effect: float, wrong: float, noise: float = 0.001) -> None:
        self.effect, self.wrong, self.noise = effect, wrong, noise
        self.inside: list[str | None] = []

    async def scores(self, adapter: str | None) -> Sequence[float]:
        self.inside.append(adapter)
        await asyncio.sleep(0.001)
        company = any(self.inside)
        await asyncio.sleep(0.001)
        self.inside.remove(adapter)
        if adapter:
            return [-1.0, -2.0 - self.effect]
        return [-1.0 + company * self.noise, -2.0 - company * self.wrong * self.effect]


@pytest.mark.parametrize(
    ("engine", "right"),
    [
        (Batching(effect=0.5, wrong=0.0), True),
        (Batching(effect=0.5, wrong=1.0), False),
        (Batching(effect=0.5, wrong=0.3), False),
        (Batching(effect=0.0, wrong=0.0), False),
        (Batching(effect=0.002, wrong=0.0), False),
    ],
)
def test_only_base_rows_that_stay_right_may_be_mixed(engine: Batching, right: bool) -> None:
    assert asyncio.run(mixes(engine.scores, ["nca", "dpo"])) is right

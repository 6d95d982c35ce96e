"""Batches of base and adapter rows: the trial that tells whether they are right, and turns."""

import asyncio
from collections.abc import Sequence

import pytest

from harness.engines.mixing import Turns, mixes


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

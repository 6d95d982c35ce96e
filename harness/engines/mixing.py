"""Base rows and adapter rows in one batch: a trial of the engine, and turns where it fails.

vLLM on a CPU (0.32) gives base rows the adapter of another row in their batch. Only a trial tells
whether the installed one does.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

#: Asks for the log-probabilities, nats, of what follows on a fixed prompt, token by token: under
#: an adapter, or the base.
Scores = Callable[[str | None], Awaitable[Sequence[float]]]


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

    The base's log-probabilities, alone and among rows of all adapters, must differ by less than a
    quarter of what the weakest adapter changes. One that changes nothing proves nothing: False.
    All are loaded first: base rows get what lies in the last place, which may be empty before.

    Args:
        scores: of the engine.
        adapters: all that it serves, one at least.
    """
    alone = await scores(None)
    weakest = min([_apart(await scores(adapter), alone) for adapter in adapters])
    sides = [side for adapter in adapters for side in (None, adapter)] * 2
    together = await asyncio.gather(*(scores(side) for side in sides))
    worst = max(_apart(row, alone) for row, side in zip(together, sides, strict=True) if not side)
    return worst < weakest / 4


def _apart(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the largest difference, nats."""
    return max(abs(a - b) for a, b in zip(first, second, strict=True))

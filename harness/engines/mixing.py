"""Base rows and adapter rows in one batch: whether an engine gets them right, and if not, turns.

vLLM on a CPU (0.32) gives base rows the adapter of another row in their batch. Only a trial tells
whether the installed one does.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

#: Asks for the log-probabilities, nats, of a few fixed tokens: under an adapter, or the base.
Scores = Callable[[str | None], Awaitable[Sequence[float]]]
#: Base rows and adapter rows of the trial, so many of each.
_ROWS = 4


class Turns:
    """Lets base requests or adapter requests in, never both at once; waiting ones go next."""

    def __init__(self) -> None:
        self._side = False
        self._inside = 0
        self._left = asyncio.Condition()

    @asynccontextmanager
    async def turn(self, side: bool) -> AsyncIterator[None]:
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


async def mixes(scores: Scores, adapter: str) -> bool:
    """Whether base rows stay the base's in a batch with an adapter's.

    The base's log-probabilities, alone and among the adapter's rows, must differ by less than a
    quarter of what the adapter changes. An adapter that changes nothing proves nothing: False.

    Args:
        scores: of the engine.
        adapter: one that it serves.
    """
    alone, adapted = await scores(None), await scores(adapter)
    sides = (None, adapter) * _ROWS
    together = await asyncio.gather(*(scores(side) for side in sides))
    worst = max(_apart(row, alone) for row, side in zip(together, sides, strict=True) if not side)
    return worst < _apart(adapted, alone) / 4


def _apart(one: Sequence[float], other: Sequence[float]) -> float:
    """The largest difference, nats."""
    return max(abs(a - b) for a, b in zip(one, other, strict=True))

"""The heartbeat of an engine: a cheap question, asked again and again, shows that it lives.

A process that is stopped or stuck lives and gives no error, so only its silence tells. Silent
waits are counted, not seconds: a machine that was suspended as a whole, or an event loop that was
busy, makes one wait long and no engine hang.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from harness.engines.base import EngineGone
from harness.errors import RecipeError

#: Asks the engine something cheap; it raises where the engine is known to be dead.
Ask = Callable[[], Awaitable[object]]


def silence(hung_s: float) -> tuple[float, int]:
    """Return the seconds of a wait, and the silent ones that make about `hung_s` seconds.

    Raises RecipeError where the engine option is no finite number above 0.
    """
    if not 0 < hung_s < math.inf:
        raise RecipeError(f"engine option hung_s = {hung_s:g}: give seconds, more than 0")
    every_s = min(10.0, hung_s / 3)
    return every_s, math.ceil(hung_s / every_s)


class Heartbeat:
    """Ends every guarded request with `EngineGone` once the engine has fallen silent.

    It asks from the start, inside a running event loop. `every_s` seconds lie between one answer
    and the next question, and a silent wait is as long; `waits` of these in a row are a hung
    engine. `silent` is the reason, once it is one, and it does not come back; "" while it lives.
    """

    def __init__(self, ask: Ask, every_s: float, waits: int) -> None:
        self._ask = ask
        self._every_s = every_s
        self._waits = waits
        self._guarded: set[asyncio.Timeout] = set()
        self.silent = ""
        self._watch = asyncio.create_task(self._watching())

    def stop(self) -> None:
        """Ask no more."""
        self._watch.cancel()

    @asynccontextmanager
    async def guard(self) -> AsyncIterator[None]:
        """Wait for the engine inside; raise EngineGone once it has fallen silent."""
        if self.silent:
            raise EngineGone(self.silent)
        try:
            async with asyncio.timeout(None) as limit:
                self._guarded.add(limit)
                try:
                    yield
                finally:
                    self._guarded.discard(limit)
        except TimeoutError as error:
            if limit.expired():
                raise EngineGone(self.silent) from error
            raise

    async def _watching(self) -> None:
        while not self.silent:
            answer = asyncio.ensure_future(self._ask())
            try:
                for _ in range(self._waits):
                    if (await asyncio.wait({answer}, timeout=self._every_s))[0]:
                        break
                answered = answer.done()
            finally:
                answer.cancel()
            if not answered:
                silent_s = self._every_s * self._waits
                self.silent = f"it gave no sign of life for {silent_s:g} s (engine option hung_s)"
            elif error := answer.exception():
                self.silent = f"it does not answer: {type(error).__name__}: {error}"
            else:
                await asyncio.sleep(self._every_s)
        now = asyncio.get_running_loop().time()
        for limit in self._guarded:
            limit.reschedule(now)

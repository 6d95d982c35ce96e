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

_EVERY_S = 10.0


class Heartbeat:
    """Ends every guarded request with `EngineGone` once the engine has fallen silent.

    Args:
        ask: of the engine.
        every_s: between one answer and the next question, and how long a silent wait is.
        waits: so many silent ones in a row are a hung engine.
    """

    def __init__(self, ask: Ask, every_s: float, waits: int) -> None:
        self._ask = ask
        self._every_s = every_s
        self._waits = waits
        self._guarded: set[asyncio.Timeout] = set()
        self._end = ""
        self._watch: asyncio.Task[None] | None = None

    @classmethod
    def within(cls, ask: Ask, hung_s: float) -> "Heartbeat":
        """Return one that calls an engine hung after about `hung_s` seconds without an answer.

        Raises:
            RecipeError: as `checked`.
        """
        every_s = min(_EVERY_S, checked(hung_s) / 3)
        return cls(ask, every_s, math.ceil(hung_s / every_s))

    @property
    def silent(self) -> bool:
        """True once the engine has fallen silent; it does not come back."""
        return bool(self._end)

    def start(self) -> None:
        """Begin to ask, inside a running event loop."""
        self._watch = asyncio.create_task(self._watching())

    def stop(self) -> None:
        """Ask no more."""
        if self._watch is not None:
            self._watch.cancel()

    @asynccontextmanager
    async def guard(self) -> AsyncIterator[None]:
        """Wait for the engine inside; who does so when it falls silent, or later, is told.

        Raises:
            EngineGone: the engine gives no answer.
        """
        if self._end:
            raise EngineGone(self._end)
        try:
            async with asyncio.timeout(None) as limit:
                self._guarded.add(limit)
                try:
                    yield
                finally:
                    self._guarded.discard(limit)
        except TimeoutError as error:
            if limit.expired():
                raise EngineGone(self._end) from error
            raise

    async def _watching(self) -> None:
        self._end = await end_of(self._ask, self._every_s, self._waits)
        now = asyncio.get_running_loop().time()
        for limit in self._guarded:
            limit.reschedule(now)


async def end_of(ask: Ask, every_s: float, waits: int) -> str:
    """Ask on and on; returns what is to be said of the engine once it is gone.

    Args:
        ask: of the engine.
        every_s: between one answer and the next question, and how long a silent wait is.
        waits: so many silent ones in a row are a hung engine.
    """
    while True:
        answer = asyncio.ensure_future(ask())
        try:
            for _ in range(waits):
                if (await asyncio.wait({answer}, timeout=every_s))[0]:
                    break
            else:
                silent_s = every_s * waits
                return f"it gave no sign of life for {silent_s:g} s (engine option hung_s)"
        finally:
            answer.cancel()
        if (error := answer.exception()) is not None:
            return f"it does not answer: {type(error).__name__}: {error}"
        await asyncio.sleep(every_s)


def checked(hung_s: float) -> float:
    """Return the option `hung_s` of an engine, in seconds.

    Raises:
        RecipeError: it is no finite number above 0.
    """
    if not 0 < hung_s < math.inf:
        raise RecipeError(f"engine option hung_s = {hung_s:g}: give seconds, more than 0")
    return hung_s

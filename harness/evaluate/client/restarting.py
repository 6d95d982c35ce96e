"""An engine that starts when it is needed, and again when it dies."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, TypeVar

from eval_suites.requests import Likelihood, Request
from harness.engines.base import Completion, Engine, EngineGone
from harness.errors import EngineDied, EngineUnavailable

T = TypeVar("T")
_RESTARTS = 2


class Restarting:
    """An engine that starts at the first request and is started again a bounded number of times.

    Replaying a finished run therefore starts no engine at all.
    """

    def __init__(
        self,
        make: Callable[[], Engine],
        restarts: int = _RESTARTS,
        on_start: Callable[[], None] = lambda: None,
        on_ready: Callable[[], None] = lambda: None,
        on_gone: Callable[[str], None] = lambda _reason: None,
    ) -> None:
        self._make = make
        self._restarts = restarts
        self._deaths = 0
        self._on_start = on_start
        self._on_ready = on_ready
        self._on_gone = on_gone
        self._engine: Engine | None = None
        self._gone: EngineGone | None = None
        self._end: EngineDied | None = None
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        async with self._lock:
            engine, self._engine = self._engine, None
            # A request that nobody waits for any more must not start another engine.
            self._end = self._end or _died("the engine was stopped")
            if engine is not None:
                await engine.__aexit__(kind, error, trace)

    async def complete(self, request: Request) -> Completion:
        """Complete a request; what was in flight when the engine died is asked again.

        Raises:
            EngineUnavailable: it cannot be started for the first time.
            EngineDied: it died more often than it may be restarted, or does not start again.
        """
        return await self._answer(lambda engine: engine.complete(request))

    async def loglikelihood(
        self, prefix: tuple[int, ...], continuation: tuple[int, ...], model: str = ""
    ) -> Likelihood:
        """Return the log-probability of a continuation; otherwise as `complete`.

        Raises:
            EngineUnavailable, EngineDied: as `complete`.
        """
        return await self._answer(lambda engine: engine.loglikelihood(prefix, continuation, model))

    async def _answer(self, ask: Callable[[Engine], Awaitable[T]]) -> T:
        while True:
            engine = await self._running()
            try:
                return await ask(engine)
            except EngineGone as gone:
                await self._bury(engine, gone)

    async def _running(self) -> Engine:
        async with self._lock:
            if self._end is not None:  # no request may start another
                raise self._end from self._gone
            if self._engine is None:
                self._on_start()
                self._engine = await self._started()
                self._on_ready()
            return self._engine

    async def _started(self) -> Engine:
        try:
            return await self._make().__aenter__()
        except EngineUnavailable as error:
            if self._gone is None:
                raise
            # It could be used when this run began, so the run has failed in the middle.
            self._end = _died(f"the engine died and does not start again: {error}")
            raise self._end from error

    async def _bury(self, dead: Engine, gone: EngineGone) -> None:
        async with self._lock:
            if self._engine is not dead:
                return  # another request has buried it already
            self._engine = None
            with contextlib.suppress(Exception):  # it is dead: nothing more can be lost
                await dead.__aexit__(None, None, None)
            self._deaths += 1
            self._gone = gone
            if self._deaths > self._restarts:
                self._end = _died(f"the engine died {self._deaths} times ({gone})")
            else:
                self._on_gone(str(gone))


def _died(how: str) -> EngineDied:
    return EngineDied(f"{how}; answers so far are kept: run the same command again")

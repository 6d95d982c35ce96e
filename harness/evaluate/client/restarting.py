"""An engine that starts when it is needed, and again when it dies.

An adapter that its engine cannot serve is merged into a checkpoint for as long as it is asked.
"""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from eval_suites.requests import Likelihood, Request
from harness.engines.base import Completion, Engine, EngineGone
from harness.engines.registry import make
from harness.errors import EngineDied, EngineUnavailable
from harness.evaluate.client.cached_client import Ids
from harness.evaluate.client.engine_groups import EngineGroup

T = TypeVar("T")
_RESTARTS = 2
_PREFIX = ".merged-"


@dataclass(slots=True)
class Restarting:
    """An engine that starts at the first request and is started again a bounded number of times.

    Replaying a finished run therefore starts no engine at all.
    """

    make: Callable[[], Engine]
    on_start: Callable[[], None] = lambda: None
    on_ready: Callable[[], None] = lambda: None
    on_gone: Callable[[str], None] = lambda _reason: None
    _deaths: int = field(default=0, init=False)
    _engine: Engine | None = field(default=None, init=False)
    _gone: EngineGone | None = field(default=None, init=False)
    _end: EngineDied | None = field(default=None, init=False)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        async with self._lock:
            engine, self._engine = self._engine, None
            # A request that nobody waits for any more must not start another engine.
            self._end = self._end or _died("the engine was stopped")
            if engine is not None:
                await engine.__aexit__(None, None, None)

    async def complete(self, request: Request) -> Completion:
        """Complete a request; what was in flight when the engine died is asked again.

        Raises:
            EngineUnavailable: it cannot be started for the first time.
            EngineDied: it died more often than it may be restarted, or does not start again.
        """
        return await self._answer(lambda engine: engine.complete(request))

    async def loglikelihood(self, prefix: Ids, continuation: Ids, model: str = "") -> Likelihood:
        """Return the log-probability of a continuation; errors are those of `complete`."""
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
                self.on_start()
                try:
                    self._engine = await self.make().__aenter__()
                except EngineUnavailable as error:
                    if self._gone is None:
                        raise
                    # It could be used when this run began, so the run has failed in the middle.
                    self._end = _died(f"the engine died and does not start again: {error}")
                    raise self._end from error
                self.on_ready()
            return self._engine

    async def _bury(self, dead: Engine, gone: EngineGone) -> None:
        async with self._lock:
            if self._engine is not dead:
                return  # another request has buried it already
            self._engine = None
            with contextlib.suppress(Exception):  # it is dead: nothing more can be lost
                await dead.__aexit__(None, None, None)
            self._deaths += 1
            self._gone = gone
            if self._deaths > _RESTARTS:
                self._end = _died(f"the engine died {self._deaths} times ({gone})")
            else:
                self.on_gone(str(gone))


def _died(how: str) -> EngineDied:
    return EngineDied(f"{how}; answers so far are kept: run the same command again")


@contextlib.asynccontextmanager
async def open_engine(
    group: EngineGroup, folder: Path, note: Callable[[str], None], **events: Callable[..., None]
) -> AsyncIterator[Restarting]:
    """Open the engine of a group, which starts, and merges an adapter if need be, when it is asked.

    A merged checkpoint lies in the folder of the stage, held by this process alone, until the block
    ends (or, after a kill, until the next run). `note` receives a line where an adapter is merged,
    and why; `events` are as for `Restarting`.
    """
    with _maker(group, folder, note) as make_one:
        async with Restarting(make_one, **events) as engine:
            yield engine


@contextlib.contextmanager
def _maker(
    group: EngineGroup, folder: Path, note: Callable[[str], None]
) -> Iterator[Callable[[], Engine]]:
    if group.merging is None:
        yield partial(make, group.spec)
        return
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"{_PREFIX}*"):  # by a run that was killed
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(dir=folder, prefix=_PREFIX) as scratch:
        yield partial(_merged, group, *group.merging, Path(scratch) / "checkpoint", note)


def _merged(
    group: EngineGroup, name: str, adapter: Path, why: str, out: Path, note: Callable[[str], None]
) -> Engine:
    from train.model.loading import merge

    base = group.spec.base
    if base is not None and not out.exists():
        note(f"engine {group.spec.settings.name} cannot serve adapter {name} ({why}): merging it")
        merge(adapter, base, out)
    return make(replace(group.spec, base=out))

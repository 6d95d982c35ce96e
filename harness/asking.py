"""Answers: from the journal where it has them, else from the engine, which starts when needed."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from types import TracebackType
from typing import Any, Protocol, Self

from eval_suites.sandbox import VERSION, Check, Outcome, Program, Sandbox
from eval_suites.suite import Answer, Request
from harness.engines.base import Completion, Engine, EngineGone
from harness.errors import EngineDied
from harness.journal import Journal, answer_key, derived_seed
from harness.runs import digest

_RESTARTS = 2


class Renderer(Protocol):
    """Turns a suite's request into what one model is shown."""

    def __call__(self, request: Request) -> Request:
        """The request with `token_ids` filled, or as it is for engines that take messages."""


@dataclass(frozen=True, slots=True)
class Model:
    """One column of an evaluation: the name users know, and what the engine calls it."""

    name: str
    fingerprint: str
    render: Renderer
    served_as: str = ""


class Restarting:
    """An engine that starts at the first request and is started again a bounded number of times.

    Replaying a finished run therefore starts no engine at all.
    """

    def __init__(
        self,
        make: Callable[[], Engine],
        restarts: int = _RESTARTS,
        on_start: Callable[[], None] = lambda: None,
    ) -> None:
        self._make = make
        self._left = restarts
        self._on_start = on_start
        self._engine: Engine | None = None
        self._gone: EngineGone | None = None
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._engine is not None:
            await self._engine.__aexit__(kind, error, trace)

    async def complete(self, request: Request) -> Completion:
        """Complete a request; what was in flight when the engine died is asked again.

        Raises:
            EngineDied: it died more often than it may be restarted.
        """
        while True:
            engine = await self._running()
            try:
                return await engine.complete(request)
            except EngineGone as gone:
                await self._bury(engine, gone)

    async def _running(self) -> Engine:
        async with self._lock:
            if self._left < 0:  # whoever asks now must not start another
                raise EngineDied(
                    f"the engine died {_RESTARTS + 1} times ({self._gone}); answers so far are "
                    "kept: run the same command again"
                ) from self._gone
            if self._engine is None:
                self._on_start()
                self._engine = await self._make().__aenter__()
            return self._engine

    async def _bury(self, dead: Engine, gone: EngineGone) -> None:
        async with self._lock:
            if self._engine is not dead:
                return  # another request has buried it already
            self._engine = None
            with contextlib.suppress(Exception):  # it is dead: nothing more can be lost
                await dead.__aexit__(None, None, None)
            self._left -= 1
            self._gone = gone


@dataclass(slots=True)
class Tally:
    """What an evaluation has asked, found and generated so far."""

    asked: int = 0
    reused: int = 0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks one engine on behalf of several models, through the journal."""

    engine: Restarting
    identity: Mapping[str, str]
    journal: Journal
    seed: int = 0
    tally: Tally = field(default_factory=Tally)

    async def ask(self, model: Model, request: Request, repeat: int) -> Answer:
        """One answer; it is in the journal before anyone sees it."""
        rendered = model.render(request)
        key = answer_key(self.identity, model.fingerprint, rendered, self.seed, repeat)
        stored = self.journal.get(key)
        if stored is not None:
            self.tally.reused += 1
            return _answer(stored)
        seeded = replace(
            rendered, model=model.served_as, seed=derived_seed(self.seed, repeat, rendered)
        )
        completion = await self.engine.complete(seeded)
        body = _body(completion)
        answer = _answer(body)
        if answer.finish_reason != "filtered":  # a third party's refusal may change: ask again
            self.journal.put(key, "answer", body)
        self.tally.asked += 1
        self.tally.tokens += answer.tokens
        return answer


@dataclass(frozen=True, slots=True)
class Checker:
    """Runs checks in the sandbox, through the journal; faults of ours are not stored."""

    box: Sandbox
    journal: Journal

    async def run(self, check: Check) -> Outcome:
        """The outcome of one check."""
        tier = await self.box.tier() if isinstance(check, Program) else "call"
        kind = {"kind": type(check).__name__, "sandbox": VERSION, "tier": tier}
        key = digest({"check": asdict(check), **kind})
        stored = self.journal.get(key)
        if stored is not None:
            return Outcome(**stored)
        outcome = await self.box.run(check)
        if outcome.verdict != "infra":
            self.journal.put(key, "check", asdict(outcome))
        return outcome


def _body(completion: Completion) -> dict[str, Any]:
    ids = completion.token_ids[0] if completion.token_ids else ()
    return {
        "text": completion.texts[0],
        "finish_reason": completion.finish_reasons[0],
        "token_ids": list(ids),
        "tokens": len(ids) or completion.usage.completion_tokens,
    }


def _answer(body: Mapping[str, Any]) -> Answer:
    return Answer(body["text"], body["finish_reason"], body["tokens"])

"""Answers: from the journal where it has them, else from the engine, which starts when needed."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from eval_suites.sandbox import VERSION, Check, Outcome, Program, Sandbox
from eval_suites.suite import Answer, Likelihood, Request
from harness.engines.base import Completion, Engine, EngineGone
from harness.errors import EngineDied
from harness.evaluate.answers import answer_of
from harness.evaluate.likelihood import in_parts, kept, likelihood
from harness.journal.entries import Journal, answer_key, derived_seed, origin_of
from harness.runs import digest

T = TypeVar("T")
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
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        self._make = make
        self._left = restarts
        self._on_start = on_start
        self._on_ready = on_ready
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
        return await self._asked(lambda engine: engine.complete(request))

    async def loglikelihood(
        self, prefix: tuple[int, ...], continuation: tuple[int, ...], model: str = ""
    ) -> Likelihood:
        """How likely a continuation is; otherwise as `complete`.

        Raises:
            EngineDied: it died more often than it may be restarted.
        """
        return await self._asked(lambda engine: engine.loglikelihood(prefix, continuation, model))

    async def _asked(self, ask: Callable[[Engine], Awaitable[T]]) -> T:
        while True:
            engine = await self._running()
            try:
                return await ask(engine)
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
                self._on_ready()
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

    def add(self, other: "Tally") -> None:
        """Count what another has counted, too."""
        self.asked += other.asked
        self.reused += other.reused
        self.tokens += other.tokens


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks one engine on behalf of several models, through the journal.

    `longest` are the tokens of a continuation that is scored and what is before it.
    """

    engine: Restarting
    identity: Mapping[str, str]
    journal: Journal
    seed: int = 0
    tally: Tally = field(default_factory=Tally)
    longest: int = 2048

    async def ask(self, model: Model, request: Request, repeat: int) -> Answer:
        """One answer; it is in the journal before anyone sees it."""
        (answer,) = await self.ask_all(model, request, range(repeat, repeat + 1))
        return answer

    async def ask_all(self, model: Model, request: Request, repeats: range) -> tuple[Answer, ...]:
        """An answer a repeat, in as few requests as can be.

        Each is what a request of its own would give: sample i of a request has its seed plus i.
        A greedy answer is asked for once.
        """
        rendered = model.render(request)
        keys = {k: self._key(model, rendered, k) for k in repeats}
        bodies = {k: found for k, key in keys.items() if (found := self.journal.get(key))}
        self.tally.reused += len(bodies)
        missing = _parts([k for k in repeats if k not in bodies], rendered)
        making = (self._made(model, rendered, {k: keys[k] for k in part}) for part in missing)
        for made in await asyncio.gather(*making):
            bodies |= made
        return tuple(_answer(bodies[k]) for k in repeats)

    async def _made(
        self, model: Model, rendered: Request, keys: Mapping[int, str]
    ) -> dict[int, dict[str, Any]]:
        """Bodies of repeats that one request makes; they are in the journal before it returns.

        `keys` are the journal's, by repeat.
        """
        repeats = list(keys)
        drawn = rendered.decoding.temperature > 0
        request = replace(
            rendered,
            model=model.served_as,
            seed=derived_seed(self.seed, rendered) + repeats[0],
            n=len(repeats) if drawn else 1,
        )
        bodies = await self._bodies(request)
        self.tally.asked += len(repeats)
        self.tally.tokens += sum(body["tokens"] for body in bodies)
        made = dict(zip(repeats, bodies if drawn else bodies * len(repeats), strict=True))
        origin = origin_of(self.identity, model.name, model.fingerprint)
        for repeat, body in made.items():
            if _lasting(request, body):
                self.journal.put(keys[repeat], "answer", body, origin)
        return made

    async def _bodies(self, request: Request) -> list[dict[str, Any]]:
        if request.continuation:
            return [kept(await likelihood(self.engine.loglikelihood, request, self.longest))]
        return _bodies(await self.engine.complete(request))

    def _key(self, model: Model, rendered: Request, repeat: int) -> str:
        parts = {"longest": str(self.longest)} if in_parts(rendered, self.longest) else {}
        identity = {**self.identity, **parts}
        return answer_key(identity, model.fingerprint, rendered, self.seed, repeat)


def _parts(repeats: Sequence[int], request: Request) -> list[list[int]]:
    """Repeats that one request can make: those that follow on each other, or all if greedy."""
    if request.decoding.temperature == 0:
        return [list(repeats)] if repeats else []
    parts: list[list[int]] = []
    for repeat in repeats:
        if parts and parts[-1][-1] == repeat - 1:
            parts[-1].append(repeat)
        else:
            parts.append([repeat])
    return parts


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
            origin = f"sandbox {VERSION}, tier {tier}"
            self.journal.put(key, "check", asdict(outcome), origin)
        return outcome


def _lasting(request: Request, given: Mapping[str, Any]) -> bool:
    """Whether an answer may be kept: not a third party's refusal, nor a lack of room to score."""
    reason = given["finish_reason"]
    return reason != "filtered" and not (request.continuation and reason == "overflow")


def _bodies(completion: Completion) -> list[dict[str, Any]]:
    """What the journal keeps of each text; tokens are shared out where nobody counted them."""
    each, rest = divmod(completion.usage.completion_tokens, len(completion.texts))
    ids = completion.token_ids or ((),) * len(completion.texts)
    return [
        {
            "text": text,
            "finish_reason": completion.finish_reasons[k],
            "token_ids": list(ids[k]),
            "tokens": len(ids[k]) or each + (k < rest),
            **({"logprobs": completion.logprobs[k]} if completion.logprobs else {}),
        }
        for k, text in enumerate(completion.texts)
    ]


def _answer(body: Mapping[str, Any]) -> Answer:
    return answer_of({key: body[key] for key in body if key != "token_ids"})

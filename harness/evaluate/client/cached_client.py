"""A client of an engine whose answers come from the journal where it has them.

Continuations that are scored may be longer than the engine takes: they are scored in parts.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import groupby
from typing import Any, Protocol

from eval_suites.requests import Answer, Likelihood, Request
from eval_suites.sandbox.checks import Check, Outcome, Program
from eval_suites.sandbox.runner import VERSION, Sandbox
from harness.engines.base import Completion, RequestFailed
from harness.evaluate.client.answers import answer_of, bodies_of, scored_body
from harness.storage.hashing import digest
from harness.storage.journal.entries import Journal, answer_key, derived_seed, origin_of

#: From a suite's request to the prompt of one model: with `token_ids`, or as it is for engines that
#: take messages.
Renderer = Callable[[Request], Request]
Ids = tuple[int, ...]
Ask = Callable[[Ids, Ids, str], Awaitable[Likelihood]]


@dataclass(frozen=True, slots=True)
class Model:
    """A model of an evaluation: the name that users know, and the name that the engine knows.

    `longest` is the most tokens of a prompt with its answer; None where that is not known here.
    """

    name: str
    fingerprint: str
    render: Renderer
    served_as: str = ""
    longest: int | None = None

    @property
    def scored_at_once(self) -> int:
        """The most tokens to score at once: vLLM needs room for one more."""
        return (2048 if self.longest is None else self.longest) - 1


class Completer(Protocol):
    """The part of an engine that answers."""

    async def complete(self, request: Request) -> Completion:
        """Complete one request."""

    async def loglikelihood(self, prefix: Ids, continuation: Ids, model: str = "") -> Likelihood:
        """Return the log-probability of a continuation."""


@dataclass(slots=True)
class Tally:
    """The counts of an evaluation so far: answers asked for and reused, and tokens generated.

    `lost` counts requests that failed; `served` are the models that endpoints say have answered,
    whenever that was.
    """

    asked: int = 0
    reused: int = 0
    tokens: int = 0
    lost: int = 0
    served: set[str] = field(default_factory=set)

    def add(self, other: "Tally") -> None:
        """Add the counts of another tally."""
        self.asked += other.asked
        self.reused += other.reused
        self.tokens += other.tokens
        self.lost += other.lost
        self.served |= other.served


@dataclass(frozen=True, slots=True)
class CachedClient:
    """A client that asks one engine on behalf of several models, through the journal."""

    engine: Completer
    identity: Mapping[str, str]
    journal: Journal
    seed: int = 0
    tally: Tally = field(default_factory=Tally)

    async def ask(self, model: Model, request: Request, repeat: int) -> Answer:
        """Return one answer; it is in the journal before it is returned."""
        (answer,) = await self.ask_all(model, request, range(repeat, repeat + 1))
        return answer

    async def ask_all(self, model: Model, request: Request, repeats: range) -> tuple[Answer, ...]:
        """Return an answer for each repeat, in as few requests as possible (`bodies`)."""
        bodies = await self.bodies(model, request, repeats)
        return tuple(answer_of(bodies[k]) for k in repeats)

    async def bodies(
        self, model: Model, request: Request, repeats: range
    ) -> dict[int, dict[str, Any]]:
        """Return the journal entry of each repeat: text, token ids, finish reason, token count.

        Each is as a request of its own would give it: sample i of a request has its seed plus i.
        A greedy answer is asked for once.
        """
        rendered = model.render(request)
        keys = {k: self._key(model, rendered, k) for k in repeats}
        bodies = {k: body for k, key in keys.items() if (body := self.journal.get(key))}
        self.tally.reused += len(bodies)
        missing = _parts([k for k in repeats if k not in bodies], rendered)
        requests = (self._request(model, rendered, {k: keys[k] for k in part}) for part in missing)
        for answered in await asyncio.gather(*requests):
            bodies |= answered
        self.tally.served |= {body["served"] for body in bodies.values() if "served" in body}
        return bodies

    async def _request(
        self, model: Model, rendered: Request, keys: Mapping[int, str]
    ) -> dict[int, dict[str, Any]]:
        """Return the bodies of the repeats of `keys`; they are in the journal by then."""
        repeats = list(keys)
        drawn = rendered.decoding.temperature > 0
        request = replace(
            rendered,
            model=model.served_as,
            seed=derived_seed(self.seed, rendered) + repeats[0],
            n=len(repeats) if drawn else 1,
        )
        try:
            if request.continuation:
                scored = await likelihood(self.engine.loglikelihood, request, model.scored_at_once)
                bodies = [scored_body(scored)]
            else:
                bodies = bodies_of(await self.engine.complete(request))
        except RequestFailed:
            self.tally.lost += 1
            raise
        self.tally.asked += len(repeats)
        self.tally.tokens += sum(body["tokens"] for body in bodies)
        by_repeat = dict(zip(repeats, bodies if drawn else bodies * len(repeats), strict=True))
        origin = origin_of(self.identity, model.name, model.fingerprint)
        # A third party's refusal does not last, nor does a lack of room to score.
        fleeting = ("filtered", "overflow") if request.continuation else ("filtered",)
        for repeat, body in by_repeat.items():
            if body["finish_reason"] not in fleeting:
                self.journal.put(keys[repeat], "answer", body, origin)
        return by_repeat

    def _key(self, model: Model, rendered: Request, repeat: int) -> str:
        """Return the journal's key of one repeat; where there is more room, it is another."""
        identity, most = self.identity, model.scored_at_once
        ids, decoding = rendered.token_ids, rendered.decoding
        size = len(ids or ()) + len(rendered.continuation_ids)
        if rendered.continuation and rendered.text is None and size > most:
            identity = {**identity, "longest": str(most)}  # the sum depends on the parts
        if model.longest is not None and ids is not None and not rendered.continuation:
            fitting = min(decoding.max_tokens, max(0, model.longest - len(ids)))
            rendered = replace(rendered, decoding=replace(decoding, max_tokens=fitting))
        return answer_key(identity, model.fingerprint, rendered, self.seed, repeat)


def _parts(repeats: Sequence[int], request: Request) -> list[list[int]]:
    """Return groups of repeats for one request each: consecutive ones, or all if greedy."""
    if request.decoding.temperature == 0:
        return [list(repeats)] if repeats else []
    runs = groupby(enumerate(repeats), lambda place: place[1] - place[0])
    return [[repeat for _, repeat in run] for _, run in runs]


def windows(before: Ids, text: Ids, most: int) -> Iterator[tuple[Ids, Ids]]:
    """Yield a long text in parts that follow on each other, each with the tokens before it.

    Each token is scored once. A full part stands after the one token before it; the last part
    after as many as there is room for (lm-eval's rolling windows with a context of one). `before`
    is the token that begins a text, `most` the tokens of a part and of those before it, at least 2.
    """
    whole, size = before + text, most - len(before)
    for start in range(0, len(text), size):
        part = text[start : start + size]
        end = len(before) + start + len(part)
        yield whole[max(0, end - most) : end - len(part)], part


async def likelihood(ask: Ask, request: Request, most: int) -> Likelihood | None:
    """Return the log-probability of a rendered request's continuation; None without room for it.

    A continuation without a text before it is a whole text, and scored in parts where it is long.
    `most` are the tokens that the engine takes.

    Raises:
        RequestFailed: the continuation has no token of its own.
    """
    before, text = request.token_ids or (), request.continuation_ids
    if not text:
        raise RequestFailed(f"{request.continuation!r} has no token of its own to be scored")
    if request.text is None:
        parts = list(windows(before, text, most))
    elif len(before) + len(text) <= most:
        parts = [(before, text)]
    else:
        return None
    scored = [await ask(*part, request.model) for part in parts]
    return Likelihood(sum(part.logprob for part in scored), all(part.greedy for part in scored))


@dataclass(frozen=True, slots=True)
class Checker:
    """A runner of checks in the sandbox, through the journal; faults of ours are not stored."""

    box: Sandbox
    journal: Journal

    async def run(self, check: Check) -> Outcome:
        """Return the outcome of one check."""
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

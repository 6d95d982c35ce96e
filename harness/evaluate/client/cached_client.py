"""A client of an engine whose answers come from the journal where it has them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

from eval_suites.requests import Answer, Likelihood, Request
from eval_suites.sandbox.checks import Check, Outcome, Program
from eval_suites.sandbox.runner import VERSION, Sandbox
from harness.engines.base import Completion, RequestFailed
from harness.evaluate.client.answers import answer_of
from harness.evaluate.client.likelihood import in_parts, journal_body, likelihood
from harness.storage.hashing import digest
from harness.storage.journal.entries import Journal, answer_key, derived_seed, origin_of


class Renderer(Protocol):
    """A function that turns a suite's request into the prompt of one model."""

    def __call__(self, request: Request) -> Request:
        """Return the request with `token_ids`, or as it is for engines that take messages."""


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


class Completer(Protocol):
    """The part of an engine that answers."""

    async def complete(self, request: Request) -> Completion:
        """Complete one request."""

    async def loglikelihood(
        self, prefix: tuple[int, ...], continuation: tuple[int, ...], model: str = ""
    ) -> Likelihood:
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
        """Return the bodies of repeats that one request answers; they are in the journal by then.

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
        try:
            bodies = await self._complete(request, model.longest)
        except RequestFailed:
            self.tally.lost += 1
            raise
        self.tally.asked += len(repeats)
        self.tally.tokens += sum(body["tokens"] for body in bodies)
        by_repeat = dict(zip(repeats, bodies if drawn else bodies * len(repeats), strict=True))
        origin = origin_of(self.identity, model.name, model.fingerprint)
        for repeat, body in by_repeat.items():
            if _lasting(request, body):
                self.journal.put(keys[repeat], "answer", body, origin)
        return by_repeat

    async def _complete(self, request: Request, longest: int | None) -> list[dict[str, Any]]:
        if request.continuation:
            most = _scored_at_once(longest)
            return [journal_body(await likelihood(self.engine.loglikelihood, request, most))]
        return _bodies(await self.engine.complete(request))

    def _key(self, model: Model, rendered: Request, repeat: int) -> str:
        identity, most = self.identity, _scored_at_once(model.longest)
        if in_parts(rendered, most):
            identity = {**identity, "longest": str(most)}
        fitted = _fitted(rendered, model.longest)
        return answer_key(identity, model.fingerprint, fitted, self.seed, repeat)


def _scored_at_once(longest: int | None) -> int:
    """Return the most tokens to score at once: vLLM needs room for one more."""
    return (2048 if longest is None else longest) - 1


def _fitted(request: Request, longest: int | None) -> Request:
    """Return the request with `max_tokens` cut to the room; with more room the key is another."""
    if longest is None or request.token_ids is None or request.continuation:
        return request
    room = max(0, longest - len(request.token_ids))
    decoding = request.decoding
    return replace(request, decoding=replace(decoding, max_tokens=min(decoding.max_tokens, room)))


def _parts(repeats: Sequence[int], request: Request) -> list[list[int]]:
    """Return groups of repeats for one request each: consecutive ones, or all if greedy."""
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


def _lasting(request: Request, body: Mapping[str, Any]) -> bool:
    """Return False for a third party's refusal and for a lack of room to score."""
    reason = body["finish_reason"]
    return reason != "filtered" and not (request.continuation and reason == "overflow")


def _bodies(completion: Completion) -> list[dict[str, Any]]:
    """Return the journal entry of each text; a sum of tokens is shared out where it is all."""
    each, rest = divmod(completion.usage.completion_tokens, len(completion.texts))
    ids = completion.token_ids or ((),) * len(completion.texts)
    return [
        {
            "text": text,
            "finish_reason": completion.finish_reasons[k],
            "token_ids": list(ids[k]),
            "tokens": len(ids[k]) or each + (k < rest),
            **({"logprobs": completion.logprobs[k]} if completion.logprobs else {}),
            **({"served": completion.served} if completion.served else {}),
        }
        for k, text in enumerate(completion.texts)
    ]

"""Answers: from the journal where it has them, else from the engine."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

from eval_suites.requests import Answer, Likelihood, Request
from eval_suites.sandbox.checks import Check, Outcome, Program
from eval_suites.sandbox.runner import VERSION, Sandbox
from harness.engines.base import Completion, RequestFailed
from harness.evaluate.client.answers import answer_of
from harness.evaluate.client.likelihood import in_parts, kept, likelihood
from harness.storage.hashing import digest
from harness.storage.journal.entries import Journal, answer_key, derived_seed, origin_of


class Renderer(Protocol):
    """Turns a suite's request into what one model is shown."""

    def __call__(self, request: Request) -> Request:
        """The request with `token_ids` filled, or as it is for engines that take messages."""


@dataclass(frozen=True, slots=True)
class Model:
    """One column of an evaluation: the name users know, and what the engine calls it.

    `longest` is what a prompt with its answer may take, in tokens; None where nobody here knows.
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
        """How likely a continuation is."""


@dataclass(slots=True)
class Tally:
    """What an evaluation has asked, found and generated so far.

    `lost` counts requests that nobody could answer; `served` are the models that endpoints say
    have answered, whenever that was.
    """

    asked: int = 0
    reused: int = 0
    tokens: int = 0
    lost: int = 0
    served: set[str] = field(default_factory=set)

    def add(self, other: "Tally") -> None:
        """Count what another has counted, too."""
        self.asked += other.asked
        self.reused += other.reused
        self.tokens += other.tokens
        self.lost += other.lost
        self.served |= other.served


@dataclass(frozen=True, slots=True)
class CachedClient:
    """Asks one engine on behalf of several models, through the journal.

    `longest` are the tokens of a continuation that is scored and what is before it.
    """

    engine: Completer
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
        """An answer a repeat, in as few requests as can be (`bodies`)."""
        bodies = await self.bodies(model, request, repeats)
        return tuple(answer_of(bodies[k]) for k in repeats)

    async def bodies(
        self, model: Model, request: Request, repeats: range
    ) -> dict[int, dict[str, Any]]:
        """What the journal holds of each repeat: `text`, `token_ids`, `finish_reason`, `tokens`.

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
        self.tally.served |= {body["served"] for body in bodies.values() if "served" in body}
        return bodies

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
        try:
            bodies = await self._bodies(request, model.longest)
        except RequestFailed:
            self.tally.lost += 1
            raise
        self.tally.asked += len(repeats)
        self.tally.tokens += sum(body["tokens"] for body in bodies)
        made = dict(zip(repeats, bodies if drawn else bodies * len(repeats), strict=True))
        origin = origin_of(self.identity, model.name, model.fingerprint)
        for repeat, body in made.items():
            if _lasting(request, body):
                self.journal.put(keys[repeat], "answer", body, origin)
        return made

    async def _bodies(self, request: Request, longest: int | None) -> list[dict[str, Any]]:
        if request.continuation:
            most = _scored_at_once(longest)
            return [kept(await likelihood(self.engine.loglikelihood, request, most))]
        return _bodies(await self.engine.complete(request))

    def _key(self, model: Model, rendered: Request, repeat: int) -> str:
        identity, most = self.identity, _scored_at_once(model.longest)
        if in_parts(rendered, most):
            identity = {**identity, "longest": str(most)}
        fitted = _fitted(rendered, model.longest)
        return answer_key(identity, model.fingerprint, fitted, self.seed, repeat)


def _scored_at_once(longest: int | None) -> int:
    """Tokens of a continuation and what is before it: vLLM wants room for one token more."""
    return (2048 if longest is None else longest) - 1


def _fitted(request: Request, longest: int | None) -> Request:
    """The request with no more tokens than there is room for: where more are, it is another."""
    if longest is None or request.token_ids is None or request.continuation:
        return request
    room = max(0, longest - len(request.token_ids))
    how = request.decoding
    return replace(request, decoding=replace(how, max_tokens=min(how.max_tokens, room)))


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
            **({"served": completion.served} if completion.served else {}),
        }
        for k, text in enumerate(completion.texts)
    ]

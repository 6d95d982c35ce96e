"""A deterministic engine without a model: for tests of suites, loops and kills.

Its answer is a function of payload, model, decoding, and (when sampled) the sum of seed and sample
index, so that two processes, or one process killed and started again, give the same bytes.
Without a script it does something with the numbers that it finds in the question, so that an
arithmetic suite sees right and wrong answers.
"""

import asyncio
import hashlib
import operator
import random
import re
from collections.abc import Callable
from dataclasses import replace

from eval_suites.requests import FinishReason, Likelihood, Request
from harness.engines.base import (
    CAPABILITIES,
    Completion,
    Engine,
    EngineGone,
    Usage,
    cut_at_stop,
    overflow,
)
from harness.engines.options import EngineSpec, adapter_of, read_options

_WORDS = ("so", "first", "then", "we", "count", "them", "and", "add", "what", "is", "left")
_OPERATIONS = (operator.add, operator.sub, operator.mul)
_TOKEN = re.compile(r"\s*\S+")
_NUMBER = re.compile(r"\d+")


def _payload(request: Request) -> str:
    """Return the prompt as one string: token ids where there are any, else messages or text."""
    if request.token_ids is not None:
        return " ".join(map(str, request.token_ids))
    turns = [f"{message.role}: {message.content}" for message in request.messages]
    return "\n".join([*turns, request.text or "", request.prefix])


def _rng(request: Request, sample: int, *salt: object) -> random.Random:
    drawn = (request.seed + sample,) if request.decoding.temperature > 0 else ()
    parts = (_payload(request), request.model, request.decoding.temperature, *drawn, *salt)
    return random.Random(hashlib.sha256(repr(parts).encode()).digest())


def _question(request: Request) -> str:
    return request.messages[-1].content if request.messages else request.text or ""


def _invent(request: Request, sample: int) -> str:
    """Return a few words and an answer made from two numbers of the question, or any number."""
    rng = _rng(request, sample)
    words = " ".join(rng.choices(_WORDS, k=rng.randint(3, 12)))
    numbers = [int(digits[:9]) for digits in _NUMBER.findall(_question(request))]
    if len(numbers) < 2:
        return f"{words}. The answer is {rng.randint(0, 20)}."
    return f"{words}. The answer is {rng.choice(_OPERATIONS)(*numbers[-2:])}."


def _decode(text: str, request: Request) -> tuple[list[str], FinishReason]:
    """Whitespace tokens of the text up to a stop string or the longest length."""
    before = cut_at_stop(text, request.decoding.stop)
    tokens = _TOKEN.findall(text if before is None else before)
    limit = request.decoding.max_tokens
    return tokens[:limit], "length" if len(tokens) > limit else "stop"


def _logprobs(request: Request, sample: int, tokens: list[str]) -> tuple[tuple[str, float], ...]:
    """For each token the same number of made-up alternatives, the token itself the likeliest."""
    rng = _rng(request, sample, "logprobs", *tokens)
    rest = rng.sample(_WORDS, k=min(request.top_logprobs, len(_WORDS)) - 1)
    scores = sorted((-rng.expovariate(1.0) for _ in range(1 + len(rest))), reverse=True)
    return tuple(zip([tokens[-1], *rest], scores, strict=True))


def _id(token: str) -> int:
    return int.from_bytes(hashlib.sha256(token.encode()).digest()[:2], "big")


class FakeEngine(Engine):
    """An engine that follows a script, or invents text by hashing what it is asked.

    Options of the spec: `delay_s`, how long each request takes (at most `spec.concurrency` at
    once), and `dies_after`, how many completions it gives before it is gone (0: never).

    Args:
        spec: adapters are names only; no folder is read.
        script: text for a request; called once for each of its n samples with `n = 1` and, when
            sampled, a seed of its own. None: invented text.
    """

    name = "fake"
    version = "1"
    capabilities = CAPABILITIES - {"sampling", "remote"}

    def __init__(self, spec: EngineSpec, script: Callable[[Request], str] | None = None) -> None:
        self._spec = spec
        self._script = script
        self._options = read_options(spec, {"delay_s": 0.0, "dies_after": 0.0})
        self._slots = asyncio.Semaphore(spec.concurrency)
        self._given = 0

    async def complete(self, request: Request) -> Completion:
        """Complete one request; tokens are words, of the prompt too unless it has ids.

        Raises:
            EngineGone: it has given `dies_after` completions.
            ValueError: no such adapter.
        """
        adapter_of(self._spec, request.model)
        async with self._slots:
            await asyncio.sleep(self._options["delay_s"])
            if 0 < self._options["dies_after"] <= self._given:
                raise EngineGone("the fake engine died, as it was told to")
            self._given += 1
        words = _payload(request).split()
        if len(words) >= self._spec.max_model_len:
            return overflow(request, len(words))
        return self._completion(request, len(words))

    def _completion(self, request: Request, prompt_tokens: int) -> Completion:
        done = [_decode(self._text(request, i), request) for i in range(request.n)]
        scores: tuple[tuple[tuple[tuple[str, float], ...], ...], ...] = ()
        if request.top_logprobs > 0:
            scores = tuple(
                tuple(_logprobs(request, i, tokens[: k + 1]) for k in range(len(tokens)))
                for i, (tokens, _) in enumerate(done)
            )
        return Completion(
            texts=tuple("".join(tokens) for tokens, _ in done),
            finish_reasons=tuple(reason for _, reason in done),
            token_ids=tuple(tuple(map(_id, tokens)) for tokens, _ in done),
            logprobs=scores,
            usage=Usage(prompt_tokens, sum(len(tokens) for tokens, _ in done)),
        )

    def _text(self, request: Request, sample: int) -> str:
        if self._script is None:
            return _invent(request, sample)
        drawn = request.decoding.temperature > 0
        single = replace(request, n=1, seed=request.seed + sample if drawn else request.seed)
        return self._script(single)

    async def loglikelihood(
        self, prefix: tuple[int, ...], continuation: tuple[int, ...], model: str = ""
    ) -> Likelihood:
        """Return a made-up sum, in nats: minus one to minus three a token, by hash of the prefix.

        A token above minus two is the most likely one of its place.

        Raises:
            ValueError: no such adapter.
        """
        adapter_of(self._spec, model)
        each, seen = [], [*prefix]
        for token in continuation:
            seen.append(token)
            digest = hashlib.sha256(repr((model, seen)).encode()).digest()
            each.append(-1.0 - 2.0 * digest[0] / 255)
        return Likelihood(sum(each), all(logprob > -2.0 for logprob in each))


def scripted(
    script: Callable[[Request], str], base: type[FakeEngine] = FakeEngine
) -> type[FakeEngine]:
    """Return a class of fake engines that follow a script, for the registry."""

    class Scripted(base):  # type: ignore[valid-type, misc]  # a class that is an argument
        def __init__(self, spec: EngineSpec) -> None:
            super().__init__(spec, script)

    return Scripted

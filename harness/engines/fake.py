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

from eval_suites.requests import Likelihood, Request
from harness.engines import base
from harness.engines.base import CAPABILITIES, Completion, Engine, EngineGone, Generated, Tops
from harness.engines.options import EngineSpec, adapter_of, read_options

_WORDS = ("so", "first", "then", "we", "count", "them", "and", "add", "what", "is", "left")
_OPERATIONS = (operator.add, operator.sub, operator.mul)


def _payload(request: Request) -> str:
    """Return the prompt as one string: token ids where there are any, else messages or text."""
    if request.token_ids is not None:
        return " ".join(map(str, request.token_ids))
    turns = [f"{message.role}: {message.content}" for message in request.messages]
    return "\n".join([*turns, request.text or "", request.prefix])


def _rng(request: Request, *salt: object) -> random.Random:
    drawn = (request.seed,) if request.decoding.temperature > 0 else ()
    parts = (_payload(request), request.model, request.decoding.temperature, *drawn, *salt)
    return random.Random(hashlib.sha256(repr(parts).encode()).digest())


def _logprobs(request: Request, tokens: list[str]) -> Tops:
    """Return made-up alternatives of the last token, itself the likeliest."""
    rng = _rng(request, "logprobs", *tokens)
    rest = rng.sample(_WORDS, k=min(request.top_logprobs, len(_WORDS)) - 1)
    scores = sorted((-rng.expovariate(1.0) for _ in range(1 + len(rest))), reverse=True)
    return tuple(zip([tokens[-1], *rest], scores, strict=True))


class FakeEngine(Engine):
    """An engine that invents text by hashing what it is asked; adapters are names only.

    Options: `delay_s`, how long each request takes (at most `in_flight` at once), and
    `dies_after`, how many completions it gives before it is gone (0: never).
    """

    name = "fake"
    version = "1"
    capabilities = CAPABILITIES - {"sampling", "remote"}

    def __init__(self, spec: EngineSpec) -> None:
        super().__init__(spec)
        self._options = read_options(spec.settings, {"delay_s": 0.0, "dies_after": 0.0})
        self._slots = asyncio.Semaphore(spec.settings.in_flight)
        self._given = 0

    def script(self, request: Request) -> str:
        """Return a few words and an answer made from two numbers of the question, or any number.

        Called for each sample of a request with `n = 1` and, when sampled, a seed of its own.
        """
        rng = _rng(request)
        words = " ".join(rng.choices(_WORDS, k=rng.randint(3, 12)))
        question = request.messages[-1].content if request.messages else request.text or ""
        numbers = [int(digits[:9]) for digits in re.findall(r"\d+", question)]
        if len(numbers) < 2:
            return f"{words}. The answer is {rng.randint(0, 20)}."
        return f"{words}. The answer is {rng.choice(_OPERATIONS)(*numbers[-2:])}."

    async def complete(self, request: Request) -> Completion:
        """Complete one request; tokens are words, of the prompt too unless it has ids.

        Raises EngineGone after `dies_after` completions, and ValueError without such an adapter.
        """
        adapter_of(self._spec, request.model)
        async with self._slots:
            await asyncio.sleep(self._options["delay_s"])
            if 0 < self._options["dies_after"] <= self._given:
                raise EngineGone("the fake engine died, as it was told to")
            self._given += 1
        words = _payload(request).split()
        if len(words) >= self._spec.settings.max_model_len:
            return base.no_text(request, "overflow", len(words))
        texts = [self._generated(request, k) for k in range(request.n)]
        return base.completion_of(request, texts, len(words))

    def _generated(self, request: Request, sample: int) -> Generated:
        """Return a text up to a stop string or the longest length."""
        seed = request.seed + sample if request.decoding.temperature > 0 else request.seed
        single, limit = replace(request, n=1, seed=seed), request.decoding.max_tokens
        words = re.findall(r"\s*\S+", base.cut_at_stop(self.script(single), request.decoding.stop))
        tokens = words[:limit]
        hashes = [hashlib.sha256(token.encode()).digest() for token in tokens]
        scored = range(len(tokens) if request.top_logprobs > 0 else 0)
        return Generated(
            text="".join(tokens),
            reason="length" if len(words) > limit else "stop",
            token_ids=tuple(int.from_bytes(digest[:2], "big") for digest in hashes),
            logprobs=tuple(_logprobs(single, tokens[: k + 1]) for k in scored),
        )

    async def loglikelihood(
        self, prefix: tuple[int, ...], continuation: tuple[int, ...], model: str = ""
    ) -> Likelihood:
        """Return a made-up sum, in nats: minus one to minus three a token, by hash of the prefix.

        A token above minus two is the most likely one of its place. Raises ValueError where there
        is no such adapter.
        """
        adapter_of(self._spec, model)
        each, seen = [], [*prefix]
        for token in continuation:
            seen.append(token)
            digest = hashlib.sha256(repr((model, seen)).encode()).digest()
            each.append(-1.0 - 2.0 * digest[0] / 255)
        return Likelihood(sum(each), all(logprob > -2.0 for logprob in each))


def scripted(
    script: Callable[[Request], str], kind: type[FakeEngine] = FakeEngine
) -> type[FakeEngine]:
    """Return a class of fake engines that follow a script, for the registry."""
    return type("Scripted", (kind,), {"script": lambda _engine, request: script(request)})

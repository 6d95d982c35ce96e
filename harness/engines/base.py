"""The engine seam: one base class that local engines, endpoints and judges share."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Self

from eval_suites.requests import FinishReason, Likelihood, Request
from harness.engines.options import EngineSpec, adapter_of
from harness.errors import EngineUnavailable

#: Abilities of engines. A suite that needs what an engine lacks is refused.
#: tokens: takes rendered token ids. messages: takes chat messages as they are.
#: adapters: serves LoRA adapters of its base by name.
#: prefix: can go on from an assistant prefix. logprobs: top log-probs of what it generates.
#: loglikelihood: scores a given continuation. many: n > 1 samples in one request.
#: sampling: draws its answers from the model, in the model's tokens.
#: remote: somebody else serves its models, which are names and no folders.
CAPABILITIES = frozenset(
    {"tokens", "messages", "adapters", "prefix", "logprobs", "loglikelihood", "many", "sampling"}
    | {"remote"}
)

#: The most likely tokens at one place, with their natural-log probabilities.
Tops = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request: the prompt once, the completion over all n texts."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        """Add the tokens of both."""
        prompt = self.prompt_tokens + other.prompt_tokens
        return Usage(prompt, self.completion_tokens + other.completion_tokens)


@dataclass(frozen=True, slots=True)
class Generated:
    """One generated text; `token_ids` includes the token that ended it, the text does not."""

    text: str
    reason: FinishReason
    token_ids: tuple[int, ...]
    logprobs: tuple[Tops, ...]


@dataclass(frozen=True, slots=True)
class Completion:
    """The answer to one request: n texts and, side by side with them, how each ended.

    `token_ids` may be empty where an endpoint does not tell, `logprobs` where not asked for.
    `served` is what an endpoint says has answered, which may be a version of the model asked for.
    """

    texts: tuple[str, ...]
    finish_reasons: tuple[FinishReason, ...]
    token_ids: tuple[tuple[int, ...], ...] = ()
    logprobs: tuple[tuple[Tops, ...], ...] = ()
    usage: Usage = Usage()
    served: str = ""


class EngineGone(RuntimeError):  # noqa: N818 - reads as what happened
    """The engine's process or endpoint died; requests in flight may be asked again."""


class RequestFailed(RuntimeError):  # noqa: N818 - as above
    """The engine cannot answer this one request; others may go on. Nothing to store or score."""


class Engine(ABC):
    """Something that completes prompts.

    A class that inherits from it starts nothing and refuses no adapter unless it says otherwise.
    Entering the context starts it (seconds to minutes), leaving it ends every process it began.
    `complete` may be called by any number of tasks at once; it raises `EngineGone` when the
    engine is dead and `RequestFailed` when this one request is lost. A request too long for the
    model gives finish reason "overflow", no error.
    """

    name: ClassVar[str]  # short, as in the journal's key
    version: str  # of what generates, as in the journal's key; set before it starts
    capabilities: ClassVar[frozenset[str]]  # of `CAPABILITIES`, known before one is made

    def __init__(self, spec: EngineSpec) -> None:
        self._spec = spec

    def refusal(self, adapter: Path) -> str:  # noqa: ARG002 - what a class that knows more reads
        """Return the reason why it cannot serve a LoRA adapter of its base; "" where it can."""
        return ""

    async def __aenter__(self) -> Self:
        """Start."""
        return self

    async def __aexit__(self, *_error: object) -> None:  # noqa: B027 - most have something to stop
        """Stop; no process of it is left."""

    @abstractmethod
    async def complete(self, request: Request) -> Completion:
        """Complete one request (rendered to `token_ids` where the engine takes tokens)."""

    async def loglikelihood(
        self,
        prefix: tuple[int, ...],  # noqa: ARG002 - of those that score
        continuation: tuple[int, ...],  # noqa: ARG002 - as above
        model: str = "",  # noqa: ARG002 - as above
    ) -> Likelihood:
        """Return the log-probability of a continuation's tokens after a prefix's.

        Raises EngineUnavailable where the engine cannot score a given continuation.
        """
        raise EngineUnavailable(
            f"engine {self.name} cannot score continuations: use --engine vllm or transformers"
        )


class LocalEngine(Engine):
    """An engine that reads token ids and serves a checkpoint folder with its adapters."""

    #: Longest prompt plus completion, in tokens; known once it starts.
    _longest = 0
    #: Tokens that it must generate to score others.
    _spare = 0

    async def complete(self, request: Request) -> Completion:
        """Complete one rendered request.

        Raises EngineGone where the engine died or hangs, or does not run, and ValueError where
        there is no such adapter, or no token ids.
        """
        prompt, adapter = request.token_ids, adapter_of(self._spec, request.model)
        if not prompt:
            raise ValueError("the request has no token ids: render it before asking this engine")
        room = self._longest - len(prompt)
        if room < 1:
            return no_text(request, "overflow", len(prompt))
        decoding = replace(request.decoding, max_tokens=min(room, request.decoding.max_tokens))
        texts = await self._generate(replace(request, decoding=decoding), prompt, adapter)
        return completion_of(request, texts, len(prompt))

    async def loglikelihood(
        self, prefix: tuple[int, ...], continuation: tuple[int, ...], model: str = ""
    ) -> Likelihood:
        """Return the log-probability of a continuation's tokens after a prefix's.

        Raises EngineGone as `complete`, and ValueError where there is no such adapter, the prefix
        is empty, or the model takes fewer tokens.
        """
        if not continuation:
            return Likelihood(0.0, greedy=True)
        size, most = len(prefix) + len(continuation), self._longest - self._spare
        if not prefix or size > most:
            raise ValueError(f"cannot score {size} tokens: 2 to {most}, with a prefix")
        return await self._score(prefix, continuation, adapter_of(self._spec, model))

    @abstractmethod
    async def _generate(
        self, request: Request, prompt: tuple[int, ...], adapter: str | None
    ) -> Sequence[Generated]:
        """Return a text for each sample, or of a greedy request one for all."""

    @abstractmethod
    async def _score(
        self, prefix: tuple[int, ...], continuation: tuple[int, ...], adapter: str | None
    ) -> Likelihood:
        """Score a continuation of at least one token."""


def completion_of(request: Request, texts: Sequence[Generated], prompt_tokens: int) -> Completion:
    """Return the answer made of its texts; a greedy request has one for all its samples."""
    every = [*texts] * (request.n // len(texts))
    return Completion(
        texts=tuple(generated.text for generated in every),
        finish_reasons=tuple(generated.reason for generated in every),
        token_ids=tuple(generated.token_ids for generated in every),
        logprobs=tuple(g.logprobs for g in every) if request.top_logprobs > 0 else (),
        usage=Usage(prompt_tokens, sum(len(generated.token_ids) for generated in every)),
    )


def no_text(request: Request, reason: FinishReason, prompt_tokens: int = 0) -> Completion:
    """Return the answer to a prompt that gets none, such as one that leaves no room for a token."""
    n = request.n
    return Completion(("",) * n, (reason,) * n, ((),) * n, usage=Usage(prompt_tokens))


def cut_at_stop(text: str, stop: tuple[str, ...]) -> str:
    """Return the text before the first stop string in it, all of it where there is none."""
    places = [index for index in (text.find(word) for word in stop if word) if index >= 0]
    return text[: min(places, default=None)]

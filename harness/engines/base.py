"""The engine seam: one base class that local engines, endpoints and judges share."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from eval_suites.requests import FinishReason, Likelihood, Request
from harness.engines.options import EngineSpec
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


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request: the prompt once, the completion over all n texts."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        """Add the tokens of both."""
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
        )


@dataclass(frozen=True, slots=True)
class Completion:
    """The answer to one request: n texts and, side by side with them, how each ended.

    `token_ids` may be empty where an endpoint does not tell. `logprobs` holds for each text and
    generated token the most likely tokens with their natural-log probabilities, when asked for.
    `served` is what an endpoint says has answered, which may be a version of the model asked for.
    """

    texts: tuple[str, ...]
    finish_reasons: tuple[FinishReason, ...]
    token_ids: tuple[tuple[int, ...], ...] = ()
    logprobs: tuple[tuple[tuple[tuple[str, float], ...], ...], ...] = ()
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

    Attributes:
        name: short, as in the journal's key.
        version: of what generates, as in the journal's key; set before it starts.
        capabilities: of `CAPABILITIES`, known before one is made.
    """

    name: ClassVar[str]
    version: str
    capabilities: ClassVar[frozenset[str]]

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

        Raises:
            EngineUnavailable: it cannot score a given continuation.
        """
        raise EngineUnavailable(
            f"engine {self.name} cannot score continuations: use --engine vllm or transformers"
        )


def tokens_of(request: Request) -> tuple[int, ...]:
    """Return the rendered prompt, for engines that take token ids.

    Raises:
        ValueError: nobody rendered it, or it is empty.
    """
    if not request.token_ids:
        raise ValueError("the request has no token ids: render it before asking this engine")
    return request.token_ids


def no_text(request: Request, reason: FinishReason, prompt_tokens: int = 0) -> Completion:
    """Return the answer to a prompt that gets none, such as one that leaves no room for a token."""
    n = request.n
    return Completion(("",) * n, (reason,) * n, ((),) * n, usage=Usage(prompt_tokens))


def cut_at_stop(text: str, stop: tuple[str, ...]) -> str:
    """Return the text before the first stop string in it, all of it where there is none."""
    places = [index for index in (text.find(word) for word in stop if word) if index >= 0]
    return text[: min(places, default=None)]

"""The requests that are sent to an engine or a judge, and the answers that come back."""

from dataclasses import dataclass, field
from typing import Literal

Role = Literal["system", "user", "assistant"]
FinishReason = Literal["stop", "length", "overflow", "filtered"]


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Decoding:
    """The settings of decoding.

    Attributes:
        temperature: 0 is greedy.
        top_p: the probability mass that tokens are drawn from.
        stop: strings that end the answer.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 512
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """A prompt for an engine: chat `messages` or plain `text`, and the settings of decoding.

    Attributes:
        prefix: the beginning of the assistant's answer; the completion continues it.
        continuation: a text whose likelihood after `text` is computed; nothing is generated. With
            `text` None the continuation is scored from its own first token on, however long it is.
        n: the number of answers.
        top_logprobs: the number of most likely tokens to return for each generated one.
        model: the adapter that answers. This and the fields below are filled by the evaluation
            loop.
        token_ids: the rendered prompt, for engines that take token ids.
        continuation_ids: the rendered continuation.
        seed: of a sampled answer.
    """

    messages: tuple[Message, ...] = ()
    text: str | None = None
    prefix: str = ""
    continuation: str = ""
    decoding: Decoding = field(default_factory=Decoding)
    n: int = 1
    top_logprobs: int = 0
    model: str = ""
    token_ids: tuple[int, ...] | None = None
    continuation_ids: tuple[int, ...] = ()
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Likelihood:
    """The likelihood of a continuation.

    Attributes:
        logprob: the sum over its tokens, in nats.
        greedy: each of its tokens is the most likely one at its place.
    """

    logprob: float
    greedy: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """One generated text as a suite sees it.

    Attributes:
        text: the text, "" where a continuation was scored.
        finish_reason: the reason why it ended.
        tokens: the number of generated tokens.
        logprobs: for each generated token the most likely ones with their natural-log
            probabilities, where the request asked for them.
        likelihood: of the request's continuation; None for other requests and after an overflow.
        program: True for a stored text that is a whole program and runs exactly as it is.
    """

    text: str
    finish_reason: FinishReason = "stop"
    tokens: int = 0
    logprobs: tuple[tuple[tuple[str, float], ...], ...] = ()
    likelihood: Likelihood | None = None
    program: bool = False

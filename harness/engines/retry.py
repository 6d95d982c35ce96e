"""The one retry layer of endpoints: what an error means, and how long to wait before asking again.

Backoff is exponential with jitter from a generator of the request's own; a server's Retry-After
counts when it is longer. There is a total deadline, and a shorter one for nobody answering.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar

from eval_suites.requests import FinishReason
from harness.engines.base import EngineGone, RequestFailed
from harness.errors import EngineUnavailable

if TYPE_CHECKING:
    from openai import OpenAIError

T = TypeVar("T")

#: Words in errors by the reason why there is no text.
_NO_TEXT: dict[FinishReason, tuple[str, ...]] = {
    "filtered": ("content_filter", "content_policy_violation", "content management policy"),
    "overflow": ("context_length_exceeded", "maximum context length", "context window", "too long"),
}
_NO_CREDIT = ("insufficient_quota", "billing_hard_limit_reached", "exceeded your current quota")
_LONGEST_WAIT_S = 60.0


class NoText(ValueError):  # noqa: N818 - reads as what happened
    """The prompt is too long for the endpoint's model, or refused by its content filter."""

    def __init__(self, reason: FinishReason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Patience:
    """The limits on asking again, in seconds."""

    deadline_s: float = 600.0  # for one request, all tries and waits together
    down_s: float = 15.0  # while nobody answers at all
    backoff_s: float = 0.5  # first wait; it doubles with each try, up to a minute


def _end(error: "OpenAIError | ValueError", where: str) -> tuple[Exception, bool]:
    """Return the exception that ends a request, and True where asking again may help before.

    It is `EngineGone` where nobody answers, and for a refusal it ends the run.
    """
    import openai

    failed = RequestFailed(f"{where}: {error}")
    if isinstance(error, openai.APITimeoutError):
        return failed, True
    if isinstance(error, openai.APIConnectionError):
        return EngineGone(f"{where} does not answer any more: {str(error).rstrip('.')}"), True
    if not isinstance(error, openai.APIStatusError):
        return failed, True  # an answer that could not be read
    text = f"{getattr(error, 'code', '')} {getattr(error, 'type', '')} {error}".lower()
    if error.status_code in {401, 402, 403, 404} or any(word in text for word in _NO_CREDIT):
        remedy = "check OPENAI_API_KEY, the quota and the model's name"
        return EngineUnavailable(f"{where} refused: {error}: {remedy}"), False
    if error.status_code in {400, 413, 422}:
        for reason, words in _NO_TEXT.items():
            if any(word in text for word in words):
                return NoText(reason), False
    return failed, error.status_code in {408, 409, 425, 429} or error.status_code >= 500


def retry_after(error: Exception) -> float:
    """Return the seconds that the server asks to wait (a number or a date), else 0."""
    response = getattr(error, "response", None)
    text = response.headers.get("retry-after", "") if response is not None else ""
    with suppress(ValueError):
        return max(0.0, float(text))
    with suppress(ValueError, TypeError):
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    return 0.0


def wait_s(tries: int, rng: random.Random, patience: Patience, asked_for: float) -> float:
    """Return seconds before the next try: half to all of a doubling time, or more if asked for."""
    doubling = min(_LONGEST_WAIT_S, patience.backoff_s * 2.0**tries)
    return max(asked_for, doubling * rng.uniform(0.5, 1.0))


async def ask_again(
    call: Callable[[], Awaitable[T]], where: str, patience: Patience, rng: random.Random
) -> T:
    """Return the answer of `call`, made again while that may help.

    Raises:
        EngineUnavailable: refused (key, quota, unknown model).
        EngineGone: nobody answers any more.
        RequestFailed: the endpoint cannot answer this request, or not within the deadline.
        NoText: the prompt is too long, or a content filter refused it.
    """
    import openai

    started, down_since, tries = time.monotonic(), None, 0
    while True:
        try:
            return await call()
        except (openai.OpenAIError, ValueError) as error:
            (end, again), now = _end(error, where), time.monotonic()
            down_since = (down_since or now) if isinstance(end, EngineGone) else None
            pause = wait_s(tries, rng, patience, retry_after(error))
            late = now + pause > started + patience.deadline_s
            dead = down_since is not None and now + pause > down_since + patience.down_s
            if late or dead or not again:
                raise end from error
        tries += 1
        await asyncio.sleep(pause)

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
from typing import TYPE_CHECKING, Literal, TypeVar

from harness.engines.base import EngineGone, RequestFailed
from harness.errors import EngineUnavailable

if TYPE_CHECKING:
    from openai import OpenAIError

T = TypeVar("T")
Kind = Literal["refused", "overflow", "filtered", "down", "again", "failed"]

_TOO_LONG = ("context_length_exceeded", "maximum context length", "context window", "too long")
_FILTERED = ("content_filter", "content_policy_violation", "content management policy")
_NO_CREDIT = ("insufficient_quota", "billing_hard_limit_reached", "exceeded your current quota")
_LONGEST_WAIT_S = 60.0


class Garbled(ValueError):  # noqa: N818 - reads as what happened
    """The endpoint answered with something that is no completion."""


class Overflow(ValueError):  # noqa: N818 - as above
    """The prompt is too long for the endpoint's model."""


class Filtered(ValueError):  # noqa: N818 - as above
    """The endpoint's content filter refused the prompt."""


@dataclass(frozen=True, slots=True)
class Patience:
    """The limits on asking again, in seconds.

    Attributes:
        deadline_s: for one request, all tries and waits together.
        down_s: while nobody answers at all.
        backoff_s: first wait; it doubles with each try, up to a minute.
    """

    deadline_s: float = 600.0
    down_s: float = 15.0
    backoff_s: float = 0.5


def _kind(error: "OpenAIError | ValueError") -> Kind:
    """Classify an error by who has to act, and by the use of asking again."""
    import openai

    text = f"{getattr(error, 'code', '')} {getattr(error, 'type', '')} {error}".lower()
    if isinstance(error, openai.APIConnectionError):
        return "again" if isinstance(error, openai.APITimeoutError) else "down"
    if not isinstance(error, openai.APIStatusError):
        return "again"  # an answer that could not be read
    if error.status_code in {401, 402, 403, 404} or any(word in text for word in _NO_CREDIT):
        return "refused"
    if error.status_code in {400, 413, 422}:
        if any(word in text for word in _FILTERED):
            return "filtered"
        return "overflow" if any(word in text for word in _TOO_LONG) else "failed"
    passing = error.status_code in {408, 409, 425, 429} or error.status_code >= 500
    return "again" if passing else "failed"


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


def _end(error: Exception, kind: Kind, where: str) -> Exception:
    """Return the exception that ends a request (and for a refusal the run)."""
    refused = f"{where} refused: {error}: check OPENAI_API_KEY, the quota and the model's name"
    ends = {
        "refused": EngineUnavailable(refused),
        "overflow": Overflow(str(error)),
        "filtered": Filtered(str(error)),
        "down": EngineGone(f"{where} does not answer any more: {str(error).rstrip('.')}"),
    }
    return ends.get(kind, RequestFailed(f"{where}: {error}"))


async def ask_again(
    call: Callable[[], Awaitable[T]], where: str, patience: Patience, rng: random.Random
) -> T:
    """Return the answer of `call`, made again while that may help.

    Raises:
        EngineUnavailable: refused (key, quota, unknown model).
        EngineGone: nobody answers any more.
        RequestFailed: the endpoint cannot answer this request, or not within the deadline.
        Overflow: the prompt is too long.
        Filtered: a content filter refused the prompt.
    """
    import openai

    started, down_since, tries = time.monotonic(), None, 0
    while True:
        try:
            return await call()
        except (openai.OpenAIError, ValueError) as error:
            kind, now = _kind(error), time.monotonic()
            down_since = (down_since or now) if kind == "down" else None
            pause = wait_s(tries, rng, patience, retry_after(error))
            late = now + pause > started + patience.deadline_s
            dead = down_since is not None and now + pause > down_since + patience.down_s
            if kind not in {"down", "again"} or late or dead:
                raise _end(error, kind, where) from error
        tries += 1
        await asyncio.sleep(pause)

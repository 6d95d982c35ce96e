"""Continuations that are scored: what of them the engine is asked, and what that adds up to."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from eval_suites.requests import Likelihood, Request
from harness.engines.base import RequestFailed

Ids = tuple[int, ...]
Ask = Callable[[Ids, Ids, str], Awaitable[Likelihood]]


def windows(before: Ids, text: Ids, most: int) -> Iterator[tuple[Ids, Ids]]:
    """A long text in parts that follow on each other, each with what is shown before it.

    Each token is scored once. A full part stands after the one token before it; the last part
    after as many as there is room for (lm-eval's rolling windows with a context of one).

    Args:
        before: the token that begins a text.
        text: the token ids to be scored.
        most: tokens of a part and what is before it, at least 2.
    """
    whole, size = before + text, most - len(before)
    for start in range(0, len(text), size):
        part = text[start : start + size]
        end = len(before) + start + len(part)
        yield whole[max(0, end - most) : end - len(part)], part


async def likelihood(ask: Ask, request: Request, most: int) -> Likelihood | None:
    """How likely a rendered request's continuation is; None where there is no room for it.

    A continuation without a text before it is a whole text, and scored in parts where it is long.

    Args:
        ask: the engine's.
        request: rendered, with `token_ids` and `continuation_ids`.
        most: tokens that the engine takes.

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
    found = [await ask(*part, request.model) for part in parts]
    return Likelihood(sum(one.logprob for one in found), all(one.greedy for one in found))


def in_parts(request: Request, most: int) -> bool:
    """Whether the sum depends on how many tokens the engine takes."""
    whole = request.continuation and request.text is None
    return bool(whole) and len(request.token_ids or ()) + len(request.continuation_ids) > most


def kept(found: Likelihood | None) -> dict[str, Any]:
    """What the journal keeps of it, as of an answer without text."""
    body: dict[str, Any] = {"text": "", "finish_reason": "stop", "token_ids": [], "tokens": 0}
    if found is None:
        return {**body, "finish_reason": "overflow"}
    return {**body, "likelihood": {"logprob": found.logprob, "greedy": found.greedy}}

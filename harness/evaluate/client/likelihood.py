"""Scored continuations: the parts that the engine is asked for, and their sum."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from eval_suites.requests import Likelihood, Request
from harness.engines.base import RequestFailed

Ids = tuple[int, ...]
Ask = Callable[[Ids, Ids, str], Awaitable[Likelihood]]


def windows(before: Ids, text: Ids, most: int) -> Iterator[tuple[Ids, Ids]]:
    """Yield a long text in parts that follow on each other, each with the tokens before it.

    Each token is scored once. A full part stands after the one token before it; the last part
    after as many as there is room for (lm-eval's rolling windows with a context of one).

    Args:
        before: the token that begins a text.
        text: the token ids to be scored.
        most: tokens of a part and of those before it, at least 2.
    """
    whole, size = before + text, most - len(before)
    for start in range(0, len(text), size):
        part = text[start : start + size]
        end = len(before) + start + len(part)
        yield whole[max(0, end - most) : end - len(part)], part


async def likelihood(ask: Ask, request: Request, most: int) -> Likelihood | None:
    """Return the log-probability of a rendered request's continuation; None without room for it.

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
    scored = [await ask(*part, request.model) for part in parts]
    return Likelihood(sum(part.logprob for part in scored), all(part.greedy for part in scored))


def in_parts(request: Request, most: int) -> bool:
    """Return True where the sum depends on how many tokens the engine takes."""
    whole = request.continuation and request.text is None
    return bool(whole) and len(request.token_ids or ()) + len(request.continuation_ids) > most


def journal_body(scored: Likelihood | None) -> dict[str, Any]:
    """Return the body of a journal entry, as of an answer without text."""
    body: dict[str, Any] = {"text": "", "finish_reason": "stop", "token_ids": [], "tokens": 0}
    if scored is None:
        return {**body, "finish_reason": "overflow"}
    return {**body, "likelihood": {"logprob": scored.logprob, "greedy": scored.greedy}}

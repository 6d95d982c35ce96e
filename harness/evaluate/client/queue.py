"""The one queue of everything that an engine is to answer, a number at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import product
from typing import TypeVar

from harness.evaluate.client.cached_client import Model
from harness.evaluate.client.loading import LoadedSuite
from harness.evaluate.client.task import Task

T = TypeVar("T")


def tasks(
    parts: Sequence[Sequence[Model]], loaded: Sequence[LoadedSuite], repeats: int
) -> Iterator[Task]:
    """Yield everything that an engine is to answer, made as it is taken.

    Suites with the longest answers come first, so that they do not end alone; one model after the
    other, so that engines which batch by adapter have full batches.
    """
    by_length = sorted(loaded, key=lambda item: -item.suite.sampling.decoding.max_tokens)
    for models in parts:
        for item, model in product(by_length, models):
            for sample in item.samples:
                yield Task(model, item.suite, sample, repeats)


async def for_each(items: Iterator[T], width: int, work: Callable[[T], Awaitable[None]]) -> None:
    """Run `work` on every item, `width` at a time; the first failure ends the rest."""

    async def worker() -> None:
        for item in items:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(width):
                group.create_task(worker())
    except BaseExceptionGroup as failures:
        raise _first_cause(failures) from None


def _first_cause(error: BaseException) -> BaseException:
    """Return the first leaf of an exception group: the others are its consequences."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error

"""Score the cases of a suite through its own checks, and count what agrees."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from eval_suites.grading.suite_rules import score_sample
from eval_suites.registry import find
from eval_suites.requests import Answer
from eval_suites.sandbox.runner import Sandbox
from eval_suites.scores import Score
from eval_suites.suite import Suite

from .held import Case, Held

#: Cases that are scored at once: enough to keep the sandbox busy, and few texts in memory.
_BATCH = 64


@dataclass(frozen=True, slots=True)
class Found:
    """What became of a suite's cases.

    Attributes:
        samples: how many cases there were.
        golds: ids whose gold response did not score 1 in every metric.
        twins: ids whose twin did not score 0 in every metric.
    """

    samples: int
    golds: frozenset[str]
    twins: frozenset[str]


def run(held: Held, folder: Path, told: Callable[[int], None] = lambda _: None) -> Found:
    """Score all cases of a suite.

    Args:
        held: the suite and its cases.
        folder: the data folder.
        told: gets the number of cases done, after each batch.

    Raises:
        DataError: a file of the suite is missing or malformed.
        SandboxError: programs cannot be contained here.
    """
    return asyncio.run(_run(find(held.suite), held.cases(folder), told))


def faults(held: Held, found: Found) -> list[str]:
    """What is not as it was said, one line each; exceptions that are none any more, too."""
    lines = []
    if found.samples != held.samples:
        lines.append(f"{held.suite}: {found.samples} samples, {held.samples} are expected")
    for known, seen, what in (
        (held.golds.keys(), found.golds, "gold does not score 1"),
        (held.twins.keys(), found.twins, "twin does not score 0"),
    ):
        lines += [f"{held.suite} {name}: {what}" for name in sorted(seen - known)]
        lines += [f"{held.suite} {name}: no exception any more" for name in sorted(known - seen)]
    return lines


async def _run(suite: Suite[Any], cases: Iterable[Case], told: Callable[[int], None]) -> Found:
    done, golds, twins = 0, set(), set()
    async with Sandbox() as box:
        for batch in _batches(cases):
            scores = await asyncio.gather(*(_pair(box, suite, case) for case in batch))
            for case, (gold, twin) in zip(batch, scores, strict=True):
                golds |= set() if _is(gold, 1.0) else {case.sample.id}
                twins |= set() if _is(twin, 0.0) else {case.sample.id}
            done += len(batch)
            told(done)
    return Found(done, frozenset(golds), frozenset(twins))


def _batches(cases: Iterable[Case]) -> Iterator[list[Case]]:
    rest = iter(cases)
    while batch := list(islice(rest, _BATCH)):
        yield batch


async def _pair(box: Sandbox, suite: Suite[Any], case: Case) -> tuple[Score, Score]:
    gold = await _score(box, suite, case.sample, case.gold)
    return gold, await _score(box, suite, case.sample, case.twin)


async def _score(box: Sandbox, suite: Suite[Any], sample: Any, text: str) -> Score:
    answers = (Answer(text),)
    outcomes = [await box.run(check) for check in suite.checks(sample, answers)]
    return score_sample(suite, sample, answers, (), tuple(outcomes))


def _is(score: Score, value: float) -> bool:
    """Whether the headline and every metric beside it have this value."""
    return score.value == value and set(score.metrics.values()) == {value}

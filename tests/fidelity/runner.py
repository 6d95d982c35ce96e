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
from tests.suite_cases.cases import GoldCase, GoldCases

#: Cases that are scored at once: enough to keep the sandbox busy, and few texts in memory.
_BATCH = 64


@dataclass(frozen=True, slots=True)
class Disagreements:
    """The cases of a suite that are not as they should be.

    Attributes:
        samples: the number of cases.
        golds: ids whose gold response did not score 1 in every metric.
        twins: ids whose twin did not score 0 in every metric.
    """

    samples: int
    golds: frozenset[str]
    twins: frozenset[str]


def run(
    gold: GoldCases, folder: Path, progress: Callable[[int], None] = lambda _: None
) -> Disagreements:
    """Score all cases of a suite.

    Args:
        gold: the suite and its cases.
        folder: the data folder.
        progress: called with the number of cases done, after each batch.

    Raises:
        DataError: a file of the suite is missing or malformed.
        SandboxError: programs cannot be contained here.
    """
    return asyncio.run(_run(find(gold.suite), gold.cases(folder), progress))


def faults(gold: GoldCases, result: Disagreements) -> list[str]:
    """Return a line for each unlisted disagreement, and for each exception without one."""
    lines = []
    if result.samples != gold.samples:
        lines.append(f"{gold.suite}: {result.samples} samples, {gold.samples} are expected")
    for listed, ids, fault in (
        (gold.golds.keys(), result.golds, "gold does not score 1"),
        (gold.twins.keys(), result.twins, "twin does not score 0"),
    ):
        lines += [f"{gold.suite} {name}: {fault}" for name in sorted(ids - listed)]
        lines += [f"{gold.suite} {name}: no exception any more" for name in sorted(listed - ids)]
    return lines


async def _run(
    suite: Suite[Any], cases: Iterable[GoldCase], progress: Callable[[int], None]
) -> Disagreements:
    done, golds, twins = 0, set(), set()
    async with Sandbox() as box:
        for batch in _batches(cases):
            scores = await asyncio.gather(*(_pair(box, suite, case) for case in batch))
            for case, (gold, twin) in zip(batch, scores, strict=True):
                golds |= set() if _is(gold, 1.0) else {case.sample.id}
                twins |= set() if _is(twin, 0.0) else {case.sample.id}
            done += len(batch)
            progress(done)
    return Disagreements(done, frozenset(golds), frozenset(twins))


def _batches(cases: Iterable[GoldCase]) -> Iterator[list[GoldCase]]:
    rest = iter(cases)
    while batch := list(islice(rest, _BATCH)):
        yield batch


async def _pair(box: Sandbox, suite: Suite[Any], case: GoldCase) -> tuple[Score, Score]:
    gold = await _score(box, suite, case.sample, case.gold)
    return gold, await _score(box, suite, case.sample, case.twin)


async def _score(box: Sandbox, suite: Suite[Any], sample: Any, text: str) -> Score:
    answers = (Answer(text),)
    outcomes = [await box.run(check) for check in suite.checks(sample, answers)]
    return score_sample(suite, sample, answers, (), tuple(outcomes))


def _is(score: Score, value: float) -> bool:
    """Return True where the headline and every metric beside it have this value."""
    return score.value == value and set(score.metrics.values()) == {value}

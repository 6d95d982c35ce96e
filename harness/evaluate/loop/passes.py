"""The order of a judged evaluation: the judge beside the answers, or after all of them.

A judge that somebody else serves reads answers as they come. One that needs this machine comes
second: all answers first, the engine that gave them ended and its memory free; then the judge,
with every answer read back from the journal.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from eval_suites.scores import Score
from eval_suites.suite import Suite
from harness.evaluate.client.loading import LoadedSuite
from harness.evaluate.judge.judge import Judge
from harness.evaluate.loop.grading import Grader
from harness.evaluate.loop.reporting import ProgressReporter


@dataclass(frozen=True, slots=True)
class Pass:
    """One way through some suites, with its grader and its reporter.

    `logged` names the suites whose logs are written; the others are only answered.
    """

    loaded: Sequence[LoadedSuite]
    grader: Grader
    reporter: ProgressReporter
    logged: frozenset[str]


def passes(
    loaded: Sequence[LoadedSuite],
    grader: Grader,
    judge: Judge | None,
    answering: ProgressReporter,
    judging: ProgressReporter,
) -> Iterator[Pass]:
    """Yield the passes of an evaluation, each to be done before the next is taken.

    `answering` reports the answers, `judging` a judging that comes after all of them.
    """
    # A measured suite has its log from its own stage, and a second run must not lose that.
    scored = [item for item in loaded if not item.suite.metrics.measured]
    judged = [item for item in scored if item.suite.judging is not None]
    logged, later = _names(scored), _names(judged)
    if judge is None or judge.remote or not judged:
        yield Pass(loaded, replace(grader, judge=judge), answering, logged)
        return
    first = [
        replace(item, suite=answered_only(item.suite)) if item.suite.name in later else item
        for item in loaded
    ]
    yield Pass(first, grader, answering, logged - later)
    yield Pass(judged, replace(grader, judge=judge), judging, later)


def answered_only(suite: Suite[Any]) -> Suite[Any]:
    """Return the suite without checks and judge; its score means nothing and is not kept."""
    return replace(suite, judging=None, checking=None, score=lambda *_: Score(0.0))


def _names(loaded: Sequence[LoadedSuite]) -> frozenset[str]:
    return frozenset(item.suite.name for item in loaded)

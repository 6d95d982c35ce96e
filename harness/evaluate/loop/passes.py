"""In which order a judged evaluation goes: beside the answers, or when all of them are there.

A judge that somebody else serves reads answers as they come. One that needs this machine comes
second: all answers first, the engine that gave them ended and its memory free; then the judge,
with every answer read back from the journal.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from eval_suites.scores import Score
from eval_suites.suite import Suite
from harness.evaluate.client.loading import Loaded
from harness.evaluate.judge.judge import Judge, is_judged
from harness.evaluate.loop.grading import Grader
from harness.evaluate.loop.reporting import Board


@dataclass(frozen=True, slots=True)
class Pass:
    """One way through some suites: who looks at answers, who hears of it.

    `kept` names the suites whose logs are written; the others are only answered.
    """

    loaded: Sequence[Loaded]
    grader: Grader
    board: Board
    kept: frozenset[str]


def passes(
    loaded: Sequence[Loaded],
    grader: Grader,
    judge: Judge | None,
    boards: tuple[Board, Board],
) -> Iterator[Pass]:
    """The passes of an evaluation, each to be done before the next is taken.

    Args:
        loaded: its suites.
        grader: without a judge.
        judge: where there is one.
        boards: of the answers, and of the judging that comes after them.
    """
    judged = [item for item in loaded if is_judged(item.suite) and not item.suite.metrics.measured]
    # What a stage of its own measures has its log from there, which a second run must not lose.
    names = frozenset(item.suite.name for item in loaded if not item.suite.metrics.measured)
    if judge is None or judge.elsewhere or not judged:
        yield Pass(loaded, replace(grader, judge=judge), boards[0], names)
        return
    later = frozenset(item.suite.name for item in judged)
    first = [
        replace(item, suite=answered_only(item.suite)) if item.suite.name in later else item
        for item in loaded
    ]
    yield Pass(first, grader, boards[0], names - later)
    yield Pass(judged, replace(grader, judge=judge), boards[1], later)


def answered_only(suite: Suite[Any]) -> Suite[Any]:
    """The suite with nothing to check or to judge; its score is no verdict and is not kept."""
    return replace(suite, judging=None, checking=None, score=_answered)


def _answered(*_: Any) -> Score:
    return Score(0.0)

"""From answers to a score: the rules that hold for every suite, in one place."""

from dataclasses import replace
from typing import Any

from eval_suites.sandbox import Outcome
from eval_suites.suite import Answer, Score, Status, Suite


def settle(
    suite: Suite[Any],
    sample: Any,
    answers: tuple[Answer, ...],
    verdicts: tuple[Answer, ...] = (),
    outcomes: tuple[Outcome, ...] = (),
) -> Score:
    """Score a sample and set the status that its answers and outcomes call for.

    A fault of ours (content filter of a third party, sandbox fault) has no value. A fault of the
    model (overflow, empty, cut off) keeps the scorer's value and stays in n.
    """
    if any(answer.finish_reason == "filtered" for answer in answers):
        return Score(None, "filtered", reason="a content filter withheld the answer")
    faults = [outcome for outcome in outcomes if outcome.verdict == "infra"]
    if faults:
        return Score(None, "infra", reason=faults[0].reason)
    score = suite.score(sample, answers, verdicts, outcomes)
    status = _status(answers)
    if status is None or score.status not in ("ok", "unparsed"):
        return score
    return replace(score, status=status)


def _status(answers: tuple[Answer, ...]) -> Status | None:
    if any(answer.finish_reason == "overflow" for answer in answers):
        return "overflow"
    if any(not answer.text.strip() for answer in answers):
        return "empty"
    if any(answer.finish_reason == "length" for answer in answers):
        return "truncated"
    return None

"""From how an answer ended, and what was found in it, to its status; numeric scores on top."""

from collections.abc import Iterable, Mapping

from eval_suites.grading.answers import same_number
from eval_suites.requests import Answer
from eval_suites.scores import Score, Status


def status_of(answer: Answer, extracted: str | None) -> Status:
    """Return what the model did with one answer, the most telling status first.

    These are an overflow, an empty text, a text that was cut, and one in which no answer was read.
    A filtered answer never reaches a scorer: `suite_rules.score_sample` sets it apart before.
    """
    if answer.finish_reason == "overflow":
        return "overflow"
    if not answer.text.strip():
        return "empty"
    if answer.finish_reason == "length":
        return "truncated"
    return "ok" if extracted is not None else "unparsed"


def worst_status(answers: Iterable[Answer]) -> Status:
    """The most telling status of answers in which nothing is looked for; `ok` without any."""
    found = {status_of(answer, "") for answer in answers}
    order: tuple[Status, ...] = ("overflow", "empty", "truncated")
    return next((status for status in order if status in found), "ok")


def numeric_score(
    answer: Answer, gold: str, headline: str, readings: Mapping[str, str | None]
) -> Score:
    """Score one answer by several readings of its number.

    Args:
        answer: what the model said.
        gold: the right number, normalised.
        headline: which of `readings` gives the value and the extracted text.
        readings: metric name to the number that this reading found, normalised.

    Returns:
        A score of 1 or 0 by reading.
    """
    right = {name: same_number(found, gold) for name, found in readings.items()}
    return compared_score(answer, readings[headline], headline, right)


def compared_score(
    answer: Answer, extracted: str | None, headline: str, right: Mapping[str, bool]
) -> Score:
    """Score one answer by comparisons that are made already.

    Args:
        answer: what the model said.
        extracted: what the headline's reading found.
        headline: which of `right` gives the value.
        right: metric name to whether this reading agrees with the gold answer.
    """
    metrics = {name: float(verdict) for name, verdict in right.items()}
    return Score(metrics[headline], status_of(answer, extracted), extracted, metrics=metrics)

"""The status of an answer, and scores of answers that are compared with a gold answer."""

from collections.abc import Iterable, Mapping

from eval_suites.grading.numbers import same_number
from eval_suites.requests import Answer
from eval_suites.scores import Score, Status


def status_of(answer: Answer, extracted: str | None) -> Status:
    """Return the status of one answer, the most telling first.

    An overflow, an empty text, a text that was cut, and one in which no answer was read. A filtered
    answer never reaches a scorer: `suite_rules.score_sample` sets it apart before.
    """
    if answer.finish_reason == "overflow":
        return "overflow"
    if not answer.text.strip():
        return "empty"
    if answer.finish_reason == "length":
        return "truncated"
    return "ok" if extracted is not None else "unparsed"


def runnable(answer: Answer) -> bool:
    """Return True where an answer has a text that could be run or checked."""
    return answer.finish_reason not in {"filtered", "overflow"} and bool(answer.text.strip())


def worst_status(answers: Iterable[Answer]) -> Status:
    """Return the most telling status of answers in which nothing is read; `ok` without any."""
    statuses = {status_of(answer, "") for answer in answers}
    order: tuple[Status, ...] = ("overflow", "empty", "truncated")
    return next((status for status in order if status in statuses), "ok")


def numeric_score(
    answer: Answer, gold: str, headline: str, readings: Mapping[str, str | None]
) -> Score:
    """Return the score of one answer by readings of its number, one a metric; all are normalised.

    The headline's reading gives the value and the extracted text.
    """
    right = {name: same_number(number, gold) for name, number in readings.items()}
    return compared_score(answer, readings[headline], headline, right)


def compared_score(
    answer: Answer, extracted: str | None, headline: str, right: Mapping[str, bool]
) -> Score:
    """Return the score of one answer whose readings are compared already, one a metric.

    The headline metric gives the value; `extracted` is its reading.
    """
    metrics = {name: float(verdict) for name, verdict in right.items()}
    return Score(metrics[headline], status_of(answer, extracted), extracted, metrics=metrics)

"""Several repetitions of a judge as one score, with the judge's agreement with itself."""

from collections.abc import Callable, Sequence
from statistics import fmean, stdev

from eval_suites.requests import Request
from eval_suites.scores import Score, mean_metrics
from eval_suites.suite import Answers

#: Standard deviation of a sample's value over the repetitions of the judge.
SD = "judge_sd"


def split_repeats(
    ask: Callable[[Answers], tuple[Request, ...]], verdicts: Answers
) -> tuple[Answers, ...]:
    """Return the verdicts of each repetition of the judge; without any, one empty repetition.

    Args:
        ask: the next requests of one repetition, given its replies so far; empty means done.
        verdicts: of all repetitions, one after the other.
    """
    repeats: list[Answers] = []
    while verdicts:
        count = 0
        while count < len(verdicts) and (requests := ask(verdicts[:count])):
            count += len(requests)
        count = count or len(verdicts)  # a suite that asks no judge: nothing can be told apart
        repeats.append(verdicts[:count])
        verdicts = verdicts[count:]
    return tuple(repeats) or ((),)


def pooled(scores: Sequence[Score]) -> Score:
    """Return the mean over repetitions of value and metrics, with `judge_sd` beside them.

    A repetition without a value leaves the sample without one: a mean over those that succeeded
    would rest on other repetitions for every sample. A single repetition is returned as it is.
    """
    if len(scores) == 1:
        return scores[0]
    values = [score.value for score in scores if score.value is not None]
    if len(values) < len(scores):
        return next(score for score in scores if score.value is None)
    read = "; ".join(str(score.extracted) for score in scores if score.extracted is not None)
    return Score(
        fmean(values),
        next((score.status for score in scores if score.status != "ok"), "ok"),
        extracted=read or None,
        reason="; ".join(dict.fromkeys(score.reason for score in scores if score.reason)),
        metrics={**mean_metrics(scores), SD: stdev(values)},
    )

"""Several repetitions of a judge: one score, and how far the judge agrees with itself."""

from collections.abc import Sequence
from statistics import fmean, stdev

from eval_suites.scores import Score, mean_metrics

#: Standard deviation of a sample's value over the repetitions of the judge.
SD = "judge_sd"


def pooled(scores: Sequence[Score]) -> Score:
    """The mean over repetitions of value and metrics, with `judge_sd` beside them.

    A repetition without a value leaves the sample without one: a mean over those that succeeded
    would stand on other repetitions for every sample. One repetition is what it is.
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

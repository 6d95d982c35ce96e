"""The rules from answers to scores and from scores to metrics that hold for every suite."""

from collections.abc import Iterable, Sequence
from typing import Any

from eval_suites.scores import Score, mean_metrics
from eval_suites.suite import Answers, Outcomes, Suite


def score_sample(
    suite: Suite[Any],
    sample: Any,
    answers: Answers,
    verdicts: Answers = (),
    outcomes: Outcomes = (),
) -> Score:
    """Return the score of a sample; it has no value where we or a third party failed.

    The suite's scorer decides about faults of the model (overflow, empty, cut off).
    """
    if any(answer.finish_reason == "filtered" for answer in answers):
        return Score(None, "filtered", reason="a content filter withheld the answer")
    if any(verdict.finish_reason == "filtered" for verdict in verdicts):
        return Score(None, "judge_missing", reason="a content filter withheld the verdict")
    for outcome in outcomes:
        if outcome.verdict == "infra":
            return Score(None, "infra", reason=outcome.reason)
    return suite.score(sample, answers, verdicts, outcomes)


def metrics_of(suite: Suite[Any], scored: Iterable[tuple[str, Score]]) -> dict[str, float]:
    """Return a suite's metrics: means over samples of the mean over repeats, and pass@k.

    Samples weigh alike, however many of their repeats have a value, as in tables. `scored` holds
    sample ids with scores, one a repeat.
    """
    by_sample: dict[str, list[Score]] = {}
    for name, score in scored:
        by_sample.setdefault(name, []).append(score)
    samples = list(by_sample.values())
    means = suite.metrics.aggregate([_mean(repeats) for repeats in samples])
    return {**means, **suite.metrics.over_repeats(samples)}


def _mean(repeats: Sequence[Score]) -> Score:
    """Return the repeats of a sample as one score; without a value where none of them has one."""
    values = [score.value for score in repeats if score.value is not None]
    if not values:
        return repeats[0]
    return Score(sum(values) / len(values), metrics=mean_metrics(repeats))

"""From answers to a score: the rules that hold for every suite, in one place."""

from collections.abc import Iterable, Sequence
from typing import Any

from eval_suites.requests import Answer
from eval_suites.sandbox.checks import Outcome
from eval_suites.scores import Score, mean_metrics
from eval_suites.suite import Suite


def metrics_of(suite: Suite[Any], scored: Iterable[tuple[str, Score]]) -> dict[str, float]:
    """A suite's metrics: means over samples of each sample's mean over its repeats, and pass@k.

    Samples weigh alike, however many of their repeats have a value, as in tables.

    Args:
        suite: whose rules hold.
        scored: sample ids with scores, one a repeat.
    """
    by_sample: dict[str, list[Score]] = {}
    for name, score in scored:
        by_sample.setdefault(name, []).append(score)
    samples = list(by_sample.values())
    return {
        **suite.metrics.aggregate([_mean(each) for each in samples]),
        **suite.metrics.over_repeats(samples),
    }


def _mean(repeats: Sequence[Score]) -> Score:
    """The repeats of a sample as one score; without a value where none of them has one."""
    values = [one.value for one in repeats if one.value is not None]
    if not values:
        return repeats[0]
    return Score(sum(values) / len(values), metrics=mean_metrics(repeats))


def score_sample(
    suite: Suite[Any],
    sample: Any,
    answers: tuple[Answer, ...],
    verdicts: tuple[Answer, ...] = (),
    outcomes: tuple[Outcome, ...] = (),
) -> Score:
    """Score a sample, unless we or a third party failed: then there is no value to score.

    What the model did wrong (overflow, empty, cut off) is the suite's scorer's to say.
    """
    if any(answer.finish_reason == "filtered" for answer in answers):
        return Score(None, "filtered", reason="a content filter withheld the answer")
    if any(verdict.finish_reason == "filtered" for verdict in verdicts):
        return Score(None, "judge_missing", reason="a content filter withheld the verdict")
    faults = [outcome for outcome in outcomes if outcome.verdict == "infra"]
    if faults:
        return Score(None, "infra", reason=faults[0].reason)
    return suite.score(sample, answers, verdicts, outcomes)

"""The score of an answer from the outcomes of its programs, and pass@k over repeats."""

from collections.abc import Sequence
from math import comb

from eval_suites.grading.status import status_of
from eval_suites.requests import Answer
from eval_suites.sandbox.checks import Outcome
from eval_suites.scores import Score

#: One program an answer; suites that allow several answers average over repeats.
METRIC = "pass_at_1"
#: The k of pass@k, where a sample has that many answers.
_KS = (2, 5, 10, 20, 50, 100)


def pass_at_k(tried: int, right: int, k: int) -> float:
    """Return the chance that k answers drawn without replacement hold a right one.

    Unbiased (Chen et al. 2021, arXiv 2107.03374, equation 1).

    Raises:
        ValueError: k is not between 1 and `tried`.
    """
    if not 1 <= k <= tried:
        raise ValueError(f"k is {k}: between 1 and the {tried} answers of a sample is needed")
    return 1.0 - comb(tried - right, k) / comb(tried, k)


def over_repeats(samples: Sequence[Sequence[Score]]) -> dict[str, float]:
    """Return pass@k of every metric with `pass_at_1` in its name (`easy/pass_at_1` too).

    Each is a mean over samples; there is one for each k that all samples have answers for.

    Args:
        samples: the scores of each sample's repeats.
    """
    tried = min((sum(score.value is not None for score in own) for own in samples), default=0)
    names = {name for own in samples for score in own for name in score.metrics if METRIC in name}
    metrics = {}
    for name in sorted(names):
        columns = ([s.metrics[name] for s in own if name in s.metrics] for own in samples)
        counts = [(len(values), values.count(1.0)) for values in columns if values]
        for k in (k for k in _KS if k <= tried):
            chances = [pass_at_k(*count, k) for count in counts]
            metrics[name.replace(METRIC, f"pass_at_{k}")] = sum(chances) / len(chances)
    return metrics


def runnable(answer: Answer) -> bool:
    """Return True where an answer has a text that could be run."""
    return answer.finish_reason not in {"filtered", "overflow"} and bool(answer.text.strip())


def program_score(answer: Answer, outcomes: Sequence[Outcome], candidate: str | None) -> Score:
    """Return 1 when every outcome is a pass, else 0.

    Faults of ours never reach a scorer: `suite_rules.score_sample` sets them apart before.

    Args:
        answer: the model's.
        outcomes: of its checks; none where it was not `runnable`.
        candidate: the program that was run.
    """
    status = status_of(answer, answer.text)
    if not outcomes:
        return Score(0.0, status, metrics={METRIC: 0.0})
    wrong = next((outcome for outcome in outcomes if outcome.verdict != "pass"), None)
    if wrong is None:
        return Score(1.0, status, candidate, metrics={METRIC: 1.0})
    reason = " at ".join(part for part in (wrong.reason, wrong.failing) if part)
    status = "timeout" if wrong.verdict == "timeout" else status
    return Score(0.0, status, candidate, reason, {METRIC: 0.0})

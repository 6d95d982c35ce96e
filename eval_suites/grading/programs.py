"""From the outcomes of an answer's programs to its score."""

from collections.abc import Sequence
from math import comb

from eval_suites.grading.status import status_of
from eval_suites.requests import Answer
from eval_suites.sandbox.checks import Outcome
from eval_suites.scores import Score

#: One program an answer; suites that allow several answers average over repeats.
METRIC = "pass_at_1"
#: Of pass@k, where a sample has that many answers.
_KS = (2, 5, 10, 20, 50, 100)


def pass_at_k(tried: int, right: int, k: int) -> float:
    """Chance that among k answers, drawn from those tried without putting back, one is right.

    Unbiased (Chen et al. 2021, arXiv 2107.03374, equation 1).

    Raises:
        ValueError: k is not between 1 and `tried`.
    """
    if not 1 <= k <= tried:
        raise ValueError(f"k is {k}: between 1 and the {tried} answers of a sample is needed")
    return 1.0 - comb(tried - right, k) / comb(tried, k)


def over_repeats(samples: Sequence[Sequence[Score]]) -> dict[str, float]:
    """pass@k of every metric `pass_at_1`, mean over samples, for each k that all samples allow.

    A name may say more before or behind (`easy/pass_at_1`, `pass_at_1_base`).

    Args:
        samples: the scores of each sample's repeats.
    """
    tried = min((sum(one.value is not None for one in each) for each in samples), default=0)
    names = {name for each in samples for one in each for name in one.metrics}
    found = {}
    for name in sorted(name for name in names if METRIC in name):
        counts = [
            (len(values), sum(value == 1.0 for value in values))
            for each in samples
            if (values := [one.metrics[name] for one in each if name in one.metrics])
        ]
        for k in (k for k in _KS if k <= tried):
            chances = [pass_at_k(*count, k) for count in counts]
            found[name.replace(METRIC, f"pass_at_{k}")] = sum(chances) / len(chances)
    return found


def runnable(answer: Answer) -> bool:
    """Whether there is anything in an answer that could be run."""
    return answer.finish_reason not in {"filtered", "overflow"} and bool(answer.text.strip())


def program_score(answer: Answer, outcomes: Sequence[Outcome], candidate: str | None) -> Score:
    """1 when every outcome is a pass, else 0; `score_sample` has set our own faults apart before.

    Args:
        answer: what the model said.
        outcomes: of its checks; none where it was not `runnable`.
        candidate: the program that was run.

    """
    status = status_of(answer, answer.text)
    if not outcomes:
        return Score(0.0, status, metrics={METRIC: 0.0})
    wrong = next((one for one in outcomes if one.verdict != "pass"), None)
    if wrong is None:
        return Score(1.0, status, candidate, metrics={METRIC: 1.0})
    reason = " at ".join(part for part in (wrong.reason, wrong.failing) if part)
    ended = "timeout" if wrong.verdict == "timeout" else status
    return Score(0.0, ended, candidate, reason, {METRIC: 0.0})

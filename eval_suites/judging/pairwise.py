"""The comparison of two models' answers to one prompt, judged in both orders.

The prompt may be any suite's of one or two turns; the judge reads MT-bench's pairwise templates
(`eval_suites/judging/mt_bench_pairs.py`). The value is the first model's: 1 where it won, 0.5 for a
tie, 0 where it lost, the mean over turns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eval_suites.judging.injections import suspicious
from eval_suites.judging.mt_bench import Dialogue
from eval_suites.judging.mt_bench_pairs import (
    AGAIN_PLEASE,
    Outcome,
    PairVerdict,
    pair_requests,
    pair_verdicts,
)
from eval_suites.judging.prompts import final_replies, with_repairs
from eval_suites.judging.verdicts import winner
from eval_suites.scores import Score
from eval_suites.suite import Answers, JudgeRules, Outcomes, Requests, Suite

_VALUES: Mapping[Outcome, float] = {"win": 1.0, "tie": 0.5, "loss": 0.0}


@dataclass(frozen=True, slots=True)
class PairwiseSample:
    """A prompt that both models have answered.

    The answers that belong to it are the first model's, one a turn, then the second's.
    """

    id: str
    dialogue: Dialogue


def _judge(sample: PairwiseSample, answers: Answers, verdicts: Answers) -> Requests:
    texts = [answer.text.strip() for answer in answers]
    half = len(texts) // 2
    requests = pair_requests(sample.dialogue, texts[:half], texts[half:])
    return with_repairs(requests, verdicts, winner, AGAIN_PLEASE)


def _score(
    _sample: PairwiseSample, answers: Answers, verdicts: Answers, _outcomes: Outcomes
) -> Score:
    """Return the first model's value; none where an order of a turn has no verdict."""
    count = len(answers)  # two answers and two requests a turn
    first = pair_verdicts([reply.text for reply in verdicts[:count]])
    final = pair_verdicts([reply.text for reply in final_replies(verdicts, count, winner)])
    official = [_VALUES[pair.official] for pair in first if pair.official is not None]
    consistent = [float(pair.consistent) for pair in final if pair.consistent is not None]
    metrics = {"suspicious": suspicious(answer.text for answer in answers)}
    metrics |= _mean("official_win_rate", official) | _mean("consistency", consistent)
    values = [_VALUES[pair.ours] for pair in final if pair.ours is not None]
    outcomes = " ".join(pair.ours or "-" for pair in final) or None
    if not final or len(values) < len(final):
        return Score(None, "judge_missing", outcomes, _reason(final), metrics)
    value = sum(values) / len(values)
    return Score(value, extracted=outcomes, metrics={"win_rate": value, **metrics})


def _reason(pairs: Sequence[PairVerdict]) -> str:
    if not pairs:
        return "no judge has compared them"
    turns = [str(turn) for turn, pair in enumerate(pairs, 1) if pair.ours is None]
    return f"turn {' and '.join(turns)}: an order without [[A]], [[B]] or [[C]]"


def _mean(name: str, values: Sequence[float]) -> dict[str, float]:
    return {name: sum(values) / len(values)} if values else {}


SUITE: Suite[PairwiseSample] = Suite(
    name="pairwise",
    version="1",
    source="MT-bench's pairwise templates: lm-sys/FastChat, see mt_bench",
    licence="Apache-2.0",
    headline="win_rate",
    load=lambda _: (),
    ask=lambda _sample, _answers: (),
    score=_score,
    judging=JudgeRules(_judge),
)

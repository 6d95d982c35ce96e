"""Two models' answers to one prompt, judged against each other in both orders.

The prompt may be any suite's of one or two turns; the judge reads MT-bench's pairwise templates
(`eval_suites/judging/mt_bench_pairs.py`). The value is the first model's: 1 where it won, 0.5 for a
tie, 0 where it lost, the mean over turns.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval_suites.judging.injections import suspicious
from eval_suites.judging.mt_bench import Asked
from eval_suites.judging.mt_bench_pairs import (
    AGAIN_PLEASE,
    Outcome,
    PairVerdict,
    pair_requests,
    pair_verdicts,
)
from eval_suites.judging.prompts import may_repair, repair
from eval_suites.judging.verdicts import winner
from eval_suites.requests import Answer, Request
from eval_suites.scores import Score
from eval_suites.suite import JudgeRules, Suite

_VALUES: Mapping[Outcome, float] = {"win": 1.0, "tie": 0.5, "loss": 0.0}


@dataclass(frozen=True, slots=True)
class Duel:
    """A prompt that both models have answered.

    The answers that go with it are the first model's, one a turn, then the second's.
    """

    id: str
    asked: Asked


def _judge(
    duel: Duel, answers: tuple[Answer, ...], verdicts: tuple[Answer, ...]
) -> tuple[Request, ...]:
    """Each turn in both orders; then those replies that cannot be read once more."""
    asked = _requests(duel, answers)
    if not verdicts:
        return asked
    if len(verdicts) > len(asked):
        return ()
    return tuple(
        repair(request, reply, AGAIN_PLEASE)
        for request, reply in zip(asked, verdicts, strict=True)
        if _unread(reply)
    )


def _requests(duel: Duel, answers: tuple[Answer, ...]) -> tuple[Request, ...]:
    said = [answer.text.strip() for answer in answers]
    half = len(said) // 2
    return pair_requests(duel.asked, said[:half], said[half:])


def _unread(reply: Answer) -> bool:
    return winner(reply.text) is None and may_repair(reply)


def _score(
    _duel: Duel, answers: tuple[Answer, ...], verdicts: tuple[Answer, ...], _outcomes: Any
) -> Score:
    """The first model's value; none where an order of a turn has no verdict."""
    asked = len(answers)  # two answers and two requests a turn
    first, settled = verdicts[:asked], [reply.text for reply in _settled(verdicts, asked)]
    ours = pair_verdicts(settled)
    official = [one.official for one in pair_verdicts([reply.text for reply in first])]
    metrics = {"suspicious": suspicious(answer.text for answer in answers)}
    metrics |= _means("official_win_rate", [_VALUES[one] for one in official if one is not None])
    metrics |= _means(
        "consistency", [float(v.consistent) for v in ours if v.consistent is not None]
    )
    values = [_VALUES[one.ours] for one in ours if one.ours is not None]
    shown = " ".join(one.ours or "-" for one in ours) or None
    if not ours or len(values) < len(ours):
        return Score(None, "judge_missing", shown, _why(ours), metrics)
    value = sum(values) / len(values)
    return Score(value, extracted=shown, metrics={"win_rate": value, **metrics})


def _settled(verdicts: Sequence[Answer], asked: int) -> Iterator[Answer]:
    """The reply that counts for each request: the first, or the one to its second asking."""
    again = iter(verdicts[asked:])
    for reply in verdicts[:asked]:
        yield next(again, reply) if _unread(reply) else reply


def _why(found: Sequence[PairVerdict]) -> str:
    if not found:
        return "no judge has compared them"
    turns = [str(turn) for turn, one in enumerate(found, 1) if one.ours is None]
    return f"turn {' and '.join(turns)}: an order without [[A]], [[B]] or [[C]]"


def _means(name: str, values: Sequence[float]) -> dict[str, float]:
    return {name: sum(values) / len(values)} if values else {}


SUITE: Suite[Duel] = Suite(
    name="duel",
    version="1",
    source="MT-bench's pairwise templates: lm-sys/FastChat, see mt_bench",
    licence="Apache-2.0",
    headline="win_rate",
    load=lambda _: (),
    ask=lambda _duel, _answers: (),
    score=_score,
    judging=JudgeRules(_judge),
)

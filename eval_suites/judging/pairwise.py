"""The comparison of two models' answers to one prompt, judged in both orders.

The prompt may be any suite's of one or two turns; the judge reads MT-bench's pairwise templates.
Two verdicts a turn make one: by upstream's rule a model wins where both orders name it, and a tie
in the first order or any disagreement is a tie. Ours is the same rule on our reading; an order
without a verdict makes the pair missing. The value is the first model's: 1 where it won, 0.5 for a
tie, 0 where it lost, the mean over turns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from eval_suites.judging.injections import suspicious
from eval_suites.judging.mt_bench import Dialogue, DialogueSample, pair
from eval_suites.judging.prompts import final_replies, with_repairs
from eval_suites.judging.verdicts import Winner, official_winner, winner
from eval_suites.scores import Score
from eval_suites.suite import Answers, JudgeRules, Outcomes, Requests, Suite

#: Of the first model (the `a` of `pair_requests`).
Outcome = Literal["win", "tie", "loss"]
ORDERS = 2
#: The question that follows a reply without a verdict (`prompts.with_repairs`).
AGAIN_PLEASE = (
    "Your reply gives no verdict that can be read. Give only the verdict: [[A]] if assistant A is "
    "better, [[B]] if assistant B is better, or [[C]] for a tie."
)
_SWAPPED: dict[Winner | None, Winner | None] = {"A": "B", "B": "A", "tie": "tie", None: None}
_VALUES: Mapping[Outcome, float] = {"win": 1.0, "tie": 0.5, "loss": 0.0}


@dataclass(frozen=True, slots=True)
class PairVerdict:
    """The verdict of both orders on the first model.

    Attributes:
        official: by upstream's rule; None where upstream drops the pair.
        ours: by our reading; None where an order has no verdict.
        consistent: True where both orders agree; None where one has no verdict.
    """

    official: Outcome | None
    ours: Outcome | None
    consistent: bool | None


def pair_requests(
    dialogue: Dialogue, answers_a: Sequence[str], answers_b: Sequence[str]
) -> Requests:
    """Return two requests a turn about the models' answers (one a turn): a shown first, then b.

    Raises:
        ValueError: not one or two turns, or another number of answers or references.
    """
    turns = len(dialogue.turns)
    if turns not in (1, 2):
        raise ValueError(f"{turns} turns: the templates are for one or two")
    if not len(answers_a) == len(answers_b) == turns:
        raise ValueError(f"{turns} turns, but {len(answers_a)} and {len(answers_b)} answers")
    if dialogue.references and len(dialogue.references) != turns:
        raise ValueError(f"{turns} turns, but {len(dialogue.references)} reference answers")
    straight, swapped = pair(dialogue, answers_a, answers_b), pair(dialogue, answers_b, answers_a)
    return tuple(chain.from_iterable(zip(straight, swapped, strict=True)))


def pair_verdict(replies: Sequence[str]) -> PairVerdict:
    """Return one turn's verdict, from the replies to its two requests in their order.

    Raises:
        ValueError: not two replies.
    """
    first, second = replies
    ours = winner(first), _SWAPPED[winner(second)]
    upstream = official_winner(first), _SWAPPED[official_winner(second)]
    consistent = None if None in ours else ours[0] == ours[1]
    return PairVerdict(_combined(*upstream), _combined(*ours), consistent)


def _combined(first: Winner | None, second: Winner | None) -> Outcome | None:
    if first is None or second is None:
        return None
    if first == "tie" or first != second:
        return "tie"
    return "win" if first == "A" else "loss"


def pair_verdicts(replies: Sequence[str]) -> tuple[PairVerdict, ...]:
    """Return a verdict a turn, from the replies to all of `pair_requests`.

    Raises:
        ValueError: an odd number of replies.
    """
    starts = range(0, len(replies), ORDERS)
    return tuple(pair_verdict(replies[start : start + ORDERS]) for start in starts)


def _judge(sample: DialogueSample, answers: Answers, verdicts: Answers) -> Requests:
    texts = [answer.text.strip() for answer in answers]
    half = len(texts) // 2  # the first model's answers, then the second's
    requests = pair_requests(sample.dialogue, texts[:half], texts[half:])
    return with_repairs(requests, verdicts, winner, AGAIN_PLEASE)


def _score(
    _sample: DialogueSample, answers: Answers, verdicts: Answers, _outcomes: Outcomes
) -> Score:
    """Return the first model's value; none where an order of a turn has no verdict."""
    count = len(answers)  # two answers and two requests a turn
    first = pair_verdicts([reply.text for reply in verdicts[:count]])
    final = pair_verdicts([reply.text for reply in final_replies(verdicts, count, winner)])
    official = [_VALUES[pair.official] for pair in first if pair.official is not None]
    consistent = [float(pair.consistent) for pair in final if pair.consistent is not None]
    metrics = {"suspicious": suspicious(answer.text for answer in answers)}
    metrics |= _mean("official_win_rate", official) | _mean("consistency", consistent)
    outcomes = " ".join(pair.ours or "-" for pair in final) or None
    missing = [str(turn) for turn, pair in enumerate(final, 1) if pair.ours is None]
    if missing or not final:
        order = f"turn {' and '.join(missing)}: an order without [[A]], [[B]] or [[C]]"
        reason = order if final else "no judge has compared them"
        return Score(None, "judge_missing", outcomes, reason, metrics)
    won = _mean("win_rate", [_VALUES[pair.ours] for pair in final if pair.ours is not None])
    return Score(won["win_rate"], extracted=outcomes, metrics=won | metrics)


def _mean(name: str, values: Sequence[float]) -> dict[str, float]:
    return {name: sum(values) / len(values)} if values else {}


SUITE: Suite[DialogueSample] = Suite(
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

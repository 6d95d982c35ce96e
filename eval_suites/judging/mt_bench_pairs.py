"""MT-bench's pairwise judging: the better one of two models' answers, asked in both orders.

Two verdicts a turn make one. By upstream's rule a model wins where both orders name it, and a tie
in the first order or any disagreement is a tie. Ours is the same rule on our reading; an order
without a verdict makes the pair missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from eval_suites.judging.mt_bench import Dialogue, pair
from eval_suites.judging.verdicts import Winner, official_winner, winner
from eval_suites.suite import Requests

#: Of the first model (the `a` of `pair_requests`).
Outcome = Literal["win", "tie", "loss"]
ORDERS = 2
#: The question that follows a reply without a verdict (`prompts.repair`).
AGAIN_PLEASE = (
    "Your reply gives no verdict that can be read. Give only the verdict: [[A]] if assistant A is "
    "better, [[B]] if assistant B is better, or [[C]] for a tie."
)
_SWAPPED: dict[Winner | None, Winner | None] = {"A": "B", "B": "A", "tie": "tie", None: None}


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
    """Return the requests about two models' answers, turn by turn, each in two orders.

    Args:
        dialogue: the questions.
        answers_a: the first model's answers, one a turn.
        answers_b: the second model's.

    Returns:
        Two requests a turn: first model shown first, then shown second.

    Raises:
        ValueError: not one or two turns, or another number of answers or references.
    """
    _check(dialogue, answers_a, answers_b)
    straight = pair(dialogue, answers_a, answers_b)
    swapped = pair(dialogue, answers_b, answers_a)
    return tuple(request for both in zip(straight, swapped, strict=True) for request in both)


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


def pair_verdicts(replies: Sequence[str]) -> tuple[PairVerdict, ...]:
    """Return a verdict a turn, from the replies to all of `pair_requests`.

    Raises:
        ValueError: an odd number of replies.
    """
    return tuple(
        pair_verdict(replies[start : start + ORDERS]) for start in range(0, len(replies), ORDERS)
    )


def _combined(first: Winner | None, second: Winner | None) -> Outcome | None:
    if first is None or second is None:
        return None
    if first == "tie" or first != second:
        return "tie"
    return "win" if first == "A" else "loss"


def _check(dialogue: Dialogue, answers_a: Sequence[str], answers_b: Sequence[str]) -> None:
    turns = len(dialogue.turns)
    if turns not in (1, 2):
        raise ValueError(f"{turns} turns: the templates are for one or two")
    if not len(answers_a) == len(answers_b) == turns:
        raise ValueError(f"{turns} turns, but {len(answers_a)} and {len(answers_b)} answers")
    if dialogue.references and len(dialogue.references) != turns:
        raise ValueError(f"{turns} turns, but {len(dialogue.references)} reference answers")

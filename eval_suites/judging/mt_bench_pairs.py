"""MT-bench's pairwise judging: which of two models answers better, asked in both orders.

Works for anything of one or two turns that carries MT-bench's templates; `Dialogue` is such a
thing for other prompts. Two verdicts a turn make one: by upstream's rule a model wins where both
orders name it, and a tie in the first order or any disagreement is a tie. Ours is the same rule on
our reading, where an order without a verdict makes the pair missing, and says whether they agree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from eval_suites.judging.mt_bench import Asked, pair
from eval_suites.judging.prompts import Template
from eval_suites.judging.verdicts import Winner, official_winner, winner
from eval_suites.requests import Request

#: Of the first model (the `a` of `pair_requests`).
Outcome = Literal["win", "tie", "loss"]
ORDERS = 2
#: What is asked once more where a reply holds no verdict (`judge_prompts.repair`).
AGAIN_PLEASE = (
    "Your reply gives no verdict that can be read. Give only the verdict: [[A]] if assistant A is "
    "better, [[B]] if assistant B is better, or [[C]] for a tie."
)


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A user's questions (one or two), reference answers (one a question, or none), templates."""

    turns: tuple[str, ...]
    prompts: Mapping[str, Template]
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PairVerdict:
    """What both orders say of the first model.

    Attributes:
        official: by upstream's rule; None where upstream drops the pair.
        ours: by our reading; None where an order has no verdict.
        consistent: whether both orders say the same; None where one is missing.
    """

    official: Outcome | None
    ours: Outcome | None
    consistent: bool | None


def pair_requests(
    asked: Asked, answers_a: Sequence[str], answers_b: Sequence[str]
) -> tuple[Request, ...]:
    """What a judge is asked about two models' answers: a turn after the other, each in two orders.

    Args:
        asked: an MT-bench sample or a `Dialogue`.
        answers_a: the first model's answers, one a turn.
        answers_b: the second model's.

    Returns:
        Two requests a turn: first model shown first, then shown second.

    Raises:
        ValueError: not one or two turns, or another number of answers or references.
    """
    _check(asked, answers_a, answers_b)
    straight, swapped = pair(asked, answers_a, answers_b), pair(asked, answers_b, answers_a)
    return tuple(request for both in zip(straight, swapped, strict=True) for request in both)


def pair_verdict(replies: Sequence[str]) -> PairVerdict:
    """One turn's verdict, from the replies to its two requests in their order.

    Raises:
        ValueError: not two replies.
    """
    first, second = replies
    ours = winner(first), _turned(winner(second))
    upstream = official_winner(first), _turned(official_winner(second))
    consistent = None if None in ours else ours[0] == ours[1]
    return PairVerdict(_settled(*upstream), _settled(*ours), consistent)


def pair_verdicts(replies: Sequence[str]) -> tuple[PairVerdict, ...]:
    """A verdict a turn, from the replies to all of `pair_requests`.

    Raises:
        ValueError: an odd number of replies.
    """
    return tuple(
        pair_verdict(replies[start : start + ORDERS]) for start in range(0, len(replies), ORDERS)
    )


def _turned(found: Winner | None) -> Winner | None:
    """The winner of the swapped order, by the names of the straight one."""
    turned: dict[Winner, Winner] = {"A": "B", "B": "A", "tie": "tie"}
    return None if found is None else turned[found]


def _settled(first: Winner | None, second: Winner | None) -> Outcome | None:
    if first is None or second is None:
        return None
    if first == "tie" or first != second:
        return "tie"
    return "win" if first == "A" else "loss"


def _check(asked: Asked, answers_a: Sequence[str], answers_b: Sequence[str]) -> None:
    turns = len(asked.turns)
    if turns not in (1, 2):
        raise ValueError(f"{turns} turns: the templates are for one or two")
    if not len(answers_a) == len(answers_b) == turns:
        raise ValueError(f"{turns} turns, but {len(answers_a)} and {len(answers_b)} answers")
    if asked.references and len(asked.references) != turns:
        raise ValueError(f"{turns} turns, but {len(asked.references)} reference answers")

"""Pairs: both orders are requests, and two verdicts make one only where they agree."""

import pytest

from eval_suites.judging.mt_bench import Dialogue
from eval_suites.judging.pairwise import pair_requests, pair_verdict, pair_verdicts
from tests.suite_cases.mt_bench import MATHS, WRITING, prompts

A, B, TIE, NONE = "I say [[A]]", "I say [[B]]", "I say [[C]]", "I say nothing"


def test_golden_prompts_of_two_turns_in_both_orders() -> None:
    requests = pair_requests(WRITING, ("x1", "x2"), ("y1", "y2"))
    assert [request.messages[-1].content for request in requests] == [
        "Q Write. A x1 B y1",
        "Q Write. A y1 B x1",
        "Write. Shorter. A x1 x2 B y1 y2",
        "Write. Shorter. A y1 y2 B x1 x2",
    ]
    assert [request.messages[0].content for request in requests[::2]] == [
        "You judge pair-v2.",
        "You judge pair-v2-multi-turn.",
    ]
    assert {(r.decoding.temperature, r.decoding.max_tokens) for r in requests} == {(0.0, 2048)}


def test_reference_answers_are_shown_where_there_are_some() -> None:
    requests = pair_requests(MATHS, ("x1", "x2"), ("y1", "y2"))
    assert requests[0].messages[-1].content == "Q 1+1? R It is 2. A x1 B y1"
    assert requests[3].messages[-1].content.startswith("R It is 2. It is 3. 1+1?")


def test_any_prompt_of_one_turn_will_do() -> None:
    requests = pair_requests(Dialogue(("Why?",), prompts()), ("x",), ("y",))
    assert [request.messages[-1].content for request in requests] == [
        "Q Why? A x B y",
        "Q Why? A y B x",
    ]


# first order, second order, official, ours, consistent
VERDICTS: list[tuple[str, str, str | None, str | None, bool | None]] = [
    (A, B, "win", "win", True),
    (B, A, "loss", "loss", True),
    (A, A, "tie", "tie", False),
    (B, B, "tie", "tie", False),
    (TIE, TIE, "tie", "tie", True),
    (TIE, A, "tie", "tie", False),
    (TIE, B, "tie", "tie", False),
    (A, TIE, "tie", "tie", False),
    (B, TIE, "tie", "tie", False),
    (A, NONE, None, None, None),
    (NONE, B, None, None, None),
    (NONE, NONE, None, None, None),
    (f"B claims [[A]]. {B}", A, "tie", "loss", True),
    (A, f"A claims [[A]]. {B}", "tie", "win", True),
    (f"{A}", "[[B]] in brackets, [B] not", "win", "win", True),
    ("[[ A ]]", B, None, "win", True),
]


@pytest.mark.parametrize(("first", "second", "official", "ours", "consistent"), VERDICTS)
def test_verdicts(
    first: str, second: str, official: str | None, ours: str | None, consistent: bool | None
) -> None:
    verdict = pair_verdict((first, second))
    assert (verdict.official, verdict.ours, verdict.consistent) == (official, ours, consistent)


def test_the_other_model_wins_where_this_one_loses() -> None:
    turned = {"win": "loss", "loss": "win", "tie": "tie", None: None}
    for first in (A, B, TIE, NONE):
        for second in (A, B, TIE, NONE):
            there, back = pair_verdict((first, second)), pair_verdict((second, first))
            assert turned[there.ours] == back.ours
            assert there.consistent == back.consistent


def test_a_verdict_a_turn() -> None:
    assert [verdict.ours for verdict in pair_verdicts((A, B, B, A))] == ["win", "loss"]
    assert pair_verdicts(()) == ()
    for replies in ((A,), (A, B, A)):
        with pytest.raises(ValueError, match="unpack"):
            pair_verdicts(replies)


@pytest.mark.parametrize(
    ("dialogue", "answers", "message"),
    [
        (WRITING, ("x",), "2 turns, but 1 and 2 answers"),
        (Dialogue((), {}), (), "0 turns"),
        (Dialogue(("a", "b", "c"), {}), ("x",) * 3, "3 turns"),
        (Dialogue(("a", "b"), {}, ("r",)), ("x", "y"), "1 reference answers"),
    ],
)
def test_what_does_not_fit_is_refused(
    dialogue: Dialogue, answers: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        pair_requests(dialogue, answers, ("y1", "y2"))

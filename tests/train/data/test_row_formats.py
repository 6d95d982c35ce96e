"""Rows of every known format: read as what they are, their defects counted, bad ones explained."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.data.row_formats import FORMATS, Group, Reading, read_row
from train.errors import DataError


def turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def sharegpt(speaker: str, value: str) -> dict[str, str]:
    return {"from": speaker, "value": value}


def human(*turns: str) -> str:
    speakers = ("Human", "Assistant")
    return "".join(f"\n\n{speakers[i % 2]}: {text}" for i, text in enumerate(turns))


Q, A, B = turn("user", "q"), turn("assistant", "a"), turn("assistant", "b")
MULTI = (("user", "q1"), ("assistant", "r1"), ("user", "q2"))
MULTI_MESSAGES = [turn(role, content) for role, content in MULTI]
COMPLETION = {"annotations": {}, "fine-grained_score": 4.0, "model": "m", "principle": "p"}


def completion(response: str, score: Any) -> dict[str, Any]:
    return {**COMPLETION, "response": response, "overall_score": score}


PAIRS: dict[str, dict[str, Any]] = {
    "TRL standard": {"prompt": "q", "chosen": "a", "rejected": "b"},
    "TRL conversational": {"prompt": [Q], "chosen": [A], "rejected": [B]},
    "TRL implicit prompt": {"chosen": [Q, A], "rejected": [Q, B]},
    "UltraFeedback binarized": {
        "prompt": "q",
        "prompt_id": "0",
        "messages": [Q, A],
        "chosen": [Q, A],
        "rejected": [Q, B],
        "score_chosen": 3.0,
        "score_rejected": 9.0,
    },
    "UltraInteract": {
        "task": "Math",
        "dataset": "d",
        "trajectory": [sharegpt("user", "q")],
        "chosen": "a",
        "rejected": "b",
        "id": "1",
        "parent_id": "0",
    },
    "ShareGPT's names of roles": {
        "trajectory": [sharegpt("human", "q")],
        "chosen": "a",
        "rejected": "b",
    },
    "HH": {"chosen": human("q", "a"), "rejected": human("q", "b")},
    "messages beside the pair": {"messages": [Q], "chosen": "a", "rejected": "b"},
}


@pytest.mark.parametrize("row", PAIRS.values(), ids=PAIRS)
def test_pairs_become_rewards_one_and_zero_whatever_else_the_row_carries(
    row: dict[str, Any],
) -> None:
    expected = Group((("user", "q"),), ("a", "b"), (1.0, 0.0), "f:1")
    assert read_row(row, "f:1") == Reading(expected)


MULTI_TURN: dict[str, dict[str, Any]] = {
    "plain": {"messages": MULTI_MESSAGES, "responses": ["a", "b"], "rewards": [1, 0]},
    "plain, prompt a list": {"prompt": MULTI_MESSAGES, "responses": ["a", "b"], "rewards": [1, 0]},
    "conversational": {"prompt": MULTI_MESSAGES, "chosen": [A], "rejected": [B]},
    "implicit": {"chosen": [*MULTI_MESSAGES, A], "rejected": [*MULTI_MESSAGES, B]},
    "reply of several turns": {
        "prompt": [turn("user", "q1")],
        "chosen": [turn("assistant", "r1"), turn("user", "q2"), A],
        "rejected": [turn("assistant", "r1"), turn("user", "q2"), B],
    },
    "binarized": {
        "prompt": "q1",
        "chosen": [*MULTI_MESSAGES, A],
        "rejected": [*MULTI_MESSAGES, B],
    },
    "UltraInteract": {
        "trajectory": [sharegpt(role, content) for role, content in MULTI],
        "chosen": "a",
        "rejected": "b",
    },
    "HH": {
        "chosen": human("q1", "r1", "q2", "a"),
        "rejected": human("q1", "r1", "q2", "b"),
    },
    "columns": {
        "A0": [*MULTI_MESSAGES, A],
        "A1": [*MULTI_MESSAGES, B],
        "score_A0": 1,
        "score_A1": 0,
    },
}


@pytest.mark.parametrize("row", MULTI_TURN.values(), ids=MULTI_TURN)
def test_prompts_of_several_turns_keep_them(row: dict[str, Any]) -> None:
    assert read_row(row, "f:1").group == Group(MULTI, ("a", "b"), (1.0, 0.0), "f:1")


def test_ultrafeedback_takes_overall_scores_of_any_number_of_completions() -> None:
    completions = [completion("a", 7.5), completion("b", 10), completion("c", 3)]
    row = {"source": "s", "instruction": "q", "models": [], "completions": completions}
    assert read_row(row, "f:1").group == Group((("user", "q"),), tuple("abc"), (7.5, 10, 3), "f:1")


@pytest.mark.parametrize("score", [None, float("nan"), "N/A", float("inf")])
def test_ultrafeedback_leaves_out_what_has_no_text_or_no_score(score: Any) -> None:
    completions = [completion("a", 2), completion(" ", 9), completion("b", score)]
    completions.append(completion("c", 1))
    reading = read_row({"instruction": "q", "completions": completions}, "f:1")
    assert reading == Reading(Group((("user", "q"),), ("a", "c"), (2, 1), "f:1"), left_out=2)


@pytest.mark.parametrize("count", [2, 4, 6])
def test_reference_columns_as_conversations_and_as_texts(count: int) -> None:
    texts = [f"answer {i}" for i in range(count)]
    scores = {f"score_A{i}": 9.0 - i for i in range(count)}
    lists = {f"A{i}": [Q, turn("assistant", text)] for i, text in enumerate(texts)}
    expected = tuple(scores.values())
    for row in (
        {"prompt": "q", **lists, **scores},
        {"prompt": "q", **{f"A{i}": text for i, text in enumerate(texts)}, **scores},
    ):
        group = read_row(row, "f:1").group
        assert group == Group((("user", "q"),), tuple(texts), expected, "f:1")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"prompt": "q", "chosen": "a", "rejected": " "}, "empty"),
        ({"prompt": "q", "chosen": "a", "rejected": "a"}, "identical"),
        ({"prompt": " ", "chosen": "a", "rejected": "b"}, "no_question"),
        ({"chosen": [Q, A], "rejected": [turn("user", "other"), B]}, "different_prompts"),
        ({"chosen": [A], "rejected": [B]}, "no_question"),
        ({"chosen": human("q", "a"), "rejected": human("other", "b")}, "different_prompts"),
        ({"chosen": human("q", "a"), "rejected": human("q", "")}, "empty"),
        ({"chosen": human("q", "a"), "rejected": human("q", "a")}, "identical"),
        ({"chosen": human("q", "a", "q2"), "rejected": human("q", "b")}, "different_prompts"),
        (
            {
                "chosen": human("q", "a") + "\n\nAssistant: more",
                "rejected": human("q", "a") + "\n\nAssistant: less",
            },
            "no_question",
        ),
        ({"instruction": "q", "completions": []}, "too_few"),
        ({"instruction": "q", "completions": [completion("a", 1)]}, "too_few"),
        ({"instruction": "q", "completions": [completion("a", None)] * 3}, "too_few"),
        ({"instruction": "q", "completions": [completion("", 1)] * 3}, "empty"),
        ({"instruction": "q", "completions": [completion("a", 1)] * 3}, "identical"),
        ({"A0": [Q, A], "A1": [turn("user", "z"), B], "score_A0": 1}, "different_prompts"),
        ({"trajectory": [], "chosen": "a", "rejected": "b"}, "no_question"),
    ],
)
def test_defects_of_published_rows_have_a_reason_and_are_no_error(
    row: dict[str, Any], reason: str
) -> None:
    assert read_row(row, "f:1") == Reading(reason)  # type: ignore[arg-type]


def test_identical_responses_in_a_plain_row_stay() -> None:
    row = {"prompt": "q", "responses": ["a", "a"], "rewards": [1, 0]}
    assert read_row(row, "f:1").group == Group((("user", "q"),), ("a", "a"), (1, 0), "f:1")


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ({"instruction": "q", "completions": "a"}, "`completions` must be a list"),
        ({"instruction": "q", "completions": [{"response": "a"}] * 2}, "`overall_score`"),
        ({"instruction": 3, "completions": [completion("a", 1)] * 2}, "no `prompt`"),
        ({"A0": "a", "A1": "b", "score_A0": 1}, "no `prompt`"),
        ({"A0": [Q], "A1": [Q, B], "score_A0": 1}, "not of 'user'"),
        ({"trajectory": "q", "chosen": "a", "rejected": "b"}, "a list of turns"),
        ({"trajectory": [Q], "chosen": "a", "rejected": "b"}, "a `from` and a `value`"),
        ({"prompt": "q", "chosen": {"a": 1}, "rejected": "b"}, "a text or a list of messages"),
        ({"prompt": "q", "chosen": [], "rejected": "b"}, "a text or a list of messages"),
        ({"chosen": human("q", "a"), "rejected": "b"}, "begin with `Human:`"),
        ({"chosen": "a", "rejected": "b"}, "add the prompt"),
        ({"chosen": [Q, A]}, "no known row format has the fields chosen;"),
        ({"prompt": None, "responses": None, "x": 1}, "no known row format has the fields x;"),
        ({}, "has the fields (none)"),
        ({"prompt": "", "responses": ["a", "b"], "rewards": [1, 0]}, "the prompt is empty"),
        ({"prompt": [], "responses": ["a", "b"], "rewards": [1, 0]}, "the prompt is empty"),
    ],
)
def test_a_malformed_row_is_explained(row: Any, complaint: str) -> None:
    with pytest.raises(DataError) as caught:
        read_row(row, "f:1")
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_fields_that_are_null_do_not_decide_the_shape() -> None:
    row = {"responses": None, "trajectory": None, "prompt": "q", "chosen": "a", "rejected": "b"}
    assert read_row(row, "f:1").group == Group((("user", "q"),), ("a", "b"), (1.0, 0.0), "f:1")


plain_value = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.sampled_from([Q, A, [Q, A]]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
field = st.sampled_from(sorted({name for fields in FORMATS for name in fields} | {"rewards"}))


@given(st.dictionaries(field, plain_value, max_size=6))
def test_any_row_is_read_left_out_or_explained(row: dict[str, Any]) -> None:
    try:
        group = read_row(row, "f:1").group
    except DataError as error:
        assert str(error)  # noqa: PT017 - either outcome is right
        return
    if isinstance(group, Group):
        assert len(group.responses) == len(group.rewards) >= 2
        assert all(text.strip() for text in group.responses)
        assert group.messages

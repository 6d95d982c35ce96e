"""Reading groups: defects named by file and row or counted, and the choice of responses."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.data.groups import DataReport, choose_responses, read_group, read_groups
from train.data.row_formats import Group
from train.errors import DataError

ROW = {"prompt": "2+2?", "responses": ["4", "5", "fish"], "rewards": [1, 0.5, 0]}


def test_reward_rows_of_any_k_and_both_kinds_of_prompt(write_jsonl: Any) -> None:
    turns = [{"role": "system", "content": "short"}, {"role": "user", "content": "2+2?"}]
    rows = [ROW, {"messages": turns, "responses": ["4", "5"], "rewards": [2, 2]}]
    groups, report = read_groups(write_jsonl("data.jsonl", rows))
    assert groups[0] == Group((("user", "2+2?"),), ("4", "5", "fish"), (1, 0.5, 0), "data.jsonl:1")
    assert groups[1].messages == (("system", "short"), ("user", "2+2?"))
    assert (report.rows, report.groups, report.tied) == (2, 2, 1)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ({"prompt": "q", "responses": ["a", "b"]}, "no `rewards`"),
        ({"prompt": "q", "responses": ["a", "b"], "rewards": [1, float("nan")]}, "reward 2 is nan"),
        ({"prompt": "q", "responses": ["a", "b"], "rewards": [1, float("inf")]}, "reward 2 is inf"),
        ({"prompt": "q", "responses": ["a", "b"], "rewards": [1, "2"]}, "reward 2 is '2'"),
        ({"prompt": "q", "responses": ["a", "b"], "rewards": [1, None]}, "reward 2 is None"),
        ({"prompt": "q", "responses": ["a", "b"], "rewards": [1, 10**400]}, "reward 2 is 1000"),
        ({"prompt": "q", "responses": ["a", "b"], "rewards": [1]}, "2 responses but 1 rewards"),
        ({"prompt": "q", "responses": ["a", " "], "rewards": [1, 0]}, "response 2 is empty"),
        ({"prompt": "q", "responses": ["a", 3], "rewards": [1, 0]}, "response 2 is empty or no"),
        ({"prompt": "q", "responses": ["a"], "rewards": [1]}, "fewer than 2"),
        ({"prompt": "q", "responses": "ab", "rewards": [1, 0]}, "must be lists"),
        ({"responses": ["a", "b"], "rewards": [1, 0]}, "no `prompt`"),
        ({"prompt": "q"}, "no known row format has the fields prompt;"),
        ({"chosen": "\n\nHuman: q\n\nAssistant: a", "rejected": "b"}, "transcripts"),
        ({"messages": [{"role": "user"}], "responses": ["a", "b"], "rewards": [1, 0]}, "`content`"),
        ([1, 2], "an object with named fields"),
    ],
)
def test_a_bad_row_is_named_by_file_and_row(row: Any, complaint: str, write_jsonl: Any) -> None:
    path = write_jsonl("data.jsonl", [ROW, row])
    with pytest.raises(DataError, match=r"data\.jsonl, row 2: ") as caught:
        read_groups(path)
    assert complaint in str(caught.value)


def dropped(report: DataReport) -> int:
    reasons = ("different_prompts", "no_question", "empty", "too_few", "identical")
    return sum(getattr(report, reason) for reason in reasons)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "preference/ultrafeedback_binarized_train_1000.jsonl.gz",
            DataReport(1000, 994, identical=4, empty=2),
        ),
        (
            "preference/ultrafeedback_binarized_eval_200.jsonl.gz",
            DataReport(200, 199, identical=1),
        ),
        (
            "preference/hh_rlhf_harmless_base_test.jsonl.gz",
            DataReport(2312, 2303, different_prompts=5, empty=4),
        ),
    ],
)
def test_defects_of_real_pairs_are_dropped_and_counted(
    name: str, expected: DataReport, data_dir: Path
) -> None:
    groups, report = read_groups(data_dir / name)
    assert report == expected
    assert report.groups + dropped(report) == report.rows
    assert len(groups) == report.groups
    assert all(g.messages[-1][0] == "user" and all(g.responses) for g in groups)
    assert read_groups(data_dir / name, 24)[1].rows == 24


def test_real_transcripts_lose_nothing_but_their_labels(data_dir: Path) -> None:
    path = data_dir / "preference" / "hh_rlhf_harmless_base_test.jsonl.gz"
    groups, _ = read_groups(path)
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    for group in groups:
        row = rows[int(group.source.rpartition(":")[2]) - 1]
        for response, whole in zip(group.responses, (row["chosen"], row["rejected"]), strict=True):
            texts = [content for _, content in (*group.messages, ("assistant", response))]
            words = whole.replace("\n\nHuman:", " ").replace("\n\nAssistant:", " ").split()
            assert " ".join(texts).split() == words


def test_real_rewards_of_eight_responses_and_their_ablation(
    data_dir: Path, write_jsonl: Any
) -> None:
    source = data_dir / "reward" / "qwen_math_cot_100_k8.jsonl.gz"
    with gzip.open(source, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    plain = [
        {
            "messages": [turn("system", row["system"]), turn("user", row["question"])],
            "responses": row["code"],
            "rewards": [score for (score,) in row["pred_score"]],
        }
        for row in rows
    ]
    path = write_jsonl("k8.jsonl", plain)
    groups, report = read_groups(path)
    assert (report.rows, report.groups, report.left_out) == (100, 100, 0)
    assert report.duplicates == sum(8 - len(set(row["code"])) for row in rows) > 0
    for count in (2, 4, 8):
        chosen, _ = read_groups(path, responses=count, seed=3)
        assert {len(group.responses) for group in chosen} == {count}
        assert [max(g.rewards) for g in chosen] == [max(g.rewards) for g in groups]


def turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def test_ties_and_duplicates_are_kept_and_counted(write_jsonl: Any) -> None:
    rows = [
        {"prompt": "q", "responses": ["a", "b", "a", "a"], "rewards": [1, 1, 1, 1]},
        {"prompt": "q", "responses": ["a", "b"], "rewards": [1, 0]},
        {"prompt": "q", "responses": ["a", "a"], "rewards": [2, 2.0]},
    ]
    groups, report = read_groups(write_jsonl("ties.jsonl", rows))
    assert report == DataReport(rows=3, groups=3, tied=2, duplicates=3)
    assert len(groups) == 3


scored = st.lists(st.tuples(st.text(max_size=3), st.integers(-3, 3)), min_size=2, max_size=8)


@given(scored, st.integers(2, 8), st.integers(0, 5))
def test_k_of_n_keeps_the_best_is_seeded_and_only_grows(
    answers: list[tuple[str, int]], count: int, seed: int
) -> None:
    texts, rewards = zip(*answers, strict=True)
    group = Group((("user", "q"),), texts, tuple(map(float, rewards)), "made:1")
    fewer, more = choose_responses(group, count, seed), choose_responses(group, count + 1, seed)
    assert len(fewer.responses) == min(count, len(texts))
    assert max(fewer.rewards) == max(group.rewards)
    assert fewer == choose_responses(group, count, seed)
    assert in_order(fewer, more)
    assert in_order(more, group)
    elsewhere = choose_responses(
        Group(group.messages, texts, group.rewards, "other:77"), count, seed
    )
    assert elsewhere.responses == fewer.responses


def in_order(part: Group, whole: Group) -> bool:
    """Return whether the answers of one group are among those of the other, in their order."""
    rest = iter(zip(whole.responses, whole.rewards, strict=True))
    return all(answer in rest for answer in zip(part.responses, part.rewards, strict=True))


def test_the_draw_differs_by_prompt_and_seed_and_ignores_other_rows(write_jsonl: Any) -> None:
    rows = [
        {"prompt": f"q{n}", "responses": list("abcdef"), "rewards": [0, 1, 5, 2, 3, 4]}
        for n in range(20)
    ]
    path = write_jsonl("data.jsonl", rows)
    first, _ = read_groups(path, responses=3, seed=1)
    assert len({group.responses for group in first}) > 3
    assert [g.responses for g in first] != [
        g.responses for g in read_groups(path, responses=3, seed=2)[0]
    ]
    assert first[:5] == read_groups(path, rows=5, responses=3, seed=1)[0]
    backwards, _ = read_groups(write_jsonl("turned.jsonl", rows[::-1]), responses=3, seed=1)
    assert [g.responses for g in backwards[::-1]] == [g.responses for g in first]
    with pytest.raises(DataError, match="nothing to compare"):
        read_groups(path, responses=1)


def test_a_row_that_is_left_out_is_told_with_its_reason(write_jsonl: Any) -> None:
    path = write_jsonl("data.jsonl", [ROW, {"prompt": "q", "chosen": "a", "rejected": "a"}])
    assert read_group(path, 2) == ("data.jsonl:2", "identical")
    assert read_group(path, 1, responses=2)[1] == read_groups(path, responses=2)[0][0]

"""Reading and tokenising: formats, defects named by file and row, one cut for all responses."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from train.data import Group, read_groups
from train.errors import DataError
from train.tokens import tokenise

ROW = {"prompt": "2+2?", "responses": ["4", "5", "fish"], "rewards": [1, 0.5, 0]}


def test_reward_rows_of_any_k_and_both_kinds_of_prompt(write_jsonl: Any) -> None:
    turns = [{"role": "system", "content": "short"}, {"role": "user", "content": "2+2?"}]
    rows = [ROW, {"messages": turns, "responses": ["4", "5"], "rewards": [2, 2]}]
    groups, report = read_groups(write_jsonl("data.jsonl", rows))
    assert groups[0] == Group((("user", "2+2?"),), ("4", "5", "fish"), (1, 0.5, 0), "data.jsonl:1")
    assert groups[1].messages == (("system", "short"), ("user", "2+2?"))
    assert (report.rows, report.groups, report.tied) == (2, 2, 1)


def test_every_kind_of_file_reads_the_same(tmp_path: Path, write_jsonl: Any) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    lines = write_jsonl("data.jsonl", [ROW, ROW])
    (tmp_path / "data.json").write_text(json.dumps([ROW, ROW]))
    (tmp_path / "data.jsonl.gz").write_bytes(gzip.compress(lines.read_bytes()))
    parquet.write_table(pa.Table.from_pylist([ROW, ROW]), tmp_path / "data.parquet")
    expected = [(g.messages, g.responses, g.rewards) for g in read_groups(lines)[0]]
    for name in ("data.json", "data.jsonl.gz", "data.parquet"):
        groups, _ = read_groups(tmp_path / name)
        assert [(g.messages, g.responses, g.rewards) for g in groups] == expected


def turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "q", "chosen": "a", "rejected": "b", "metadata": {"score_chosen": 3.0}},
        {
            "prompt": [turn("user", "q")],
            "chosen": [turn("assistant", "a")],
            "rejected": [turn("assistant", "b")],
        },
        {
            "chosen": [turn("user", "q"), turn("assistant", "a")],
            "rejected": [turn("user", "q"), turn("assistant", "b")],
        },
        {
            "prompt": "q",
            "chosen": [turn("user", "q"), turn("assistant", "a")],
            "rejected": [turn("user", "q"), turn("assistant", "b")],
        },
    ],
)
def test_preferences_become_rewards_one_and_zero(row: dict[str, Any], write_jsonl: Any) -> None:
    groups, _ = read_groups(write_jsonl("data.jsonl", [row]))
    assert groups == (Group((("user", "q"),), ("a", "b"), (1.0, 0.0), "data.jsonl:1"),)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ({"prompt": "q", "responses": ["a", "b"]}, "no `rewards`"),
        ({"prompt": "q", "responses": ["a", "b"], "rewards": [1, float("nan")]}, "reward 2 is nan"),
        ({"prompt": "q", "responses": ["a", "b"], "rewards": [1, float("inf")]}, "reward 2 is inf"),
        ({"prompt": "q", "responses": ["a", "b"], "rewards": [1, "2"]}, "reward 2 is '2'"),
        ({"prompt": "q", "responses": ["a", "b"], "rewards": [1, None]}, "reward 2 is None"),
        ({"prompt": "q", "responses": ["a", "b"], "rewards": [1]}, "2 responses but 1 rewards"),
        ({"prompt": "q", "responses": ["a", " "], "rewards": [1, 0]}, "response 2 is empty"),
        ({"prompt": "q", "responses": ["a", 3], "rewards": [1, 0]}, "response 2 is empty or no"),
        ({"prompt": "q", "responses": ["a"], "rewards": [1]}, "fewer than 2"),
        ({"prompt": "q", "responses": "ab", "rewards": [1, 0]}, "must be lists"),
        ({"responses": ["a", "b"], "rewards": [1, 0]}, "no `prompt`"),
        ({"prompt": "q"}, "it has prompt, but neither"),
        ({"chosen": "\n\nHuman: q\n\nAssistant: a", "rejected": "b"}, "transcripts"),
        ({"prompt": "q", "chosen": [turn("user", "a")], "rejected": "b"}, "ends with a turn"),
        ({"messages": [{"role": "user"}], "responses": ["a", "b"], "rewards": [1, 0]}, "`content`"),
        ([1, 2], "an object with named fields"),
    ],
)
def test_a_bad_row_is_named_by_file_and_row(row: Any, complaint: str, write_jsonl: Any) -> None:
    path = write_jsonl("data.jsonl", [ROW, row])
    with pytest.raises(DataError, match=r"data\.jsonl, row 2: ") as caught:
        read_groups(path)
    assert complaint in str(caught.value)


def test_bad_files_are_named(tmp_path: Path, write_jsonl: Any) -> None:
    (tmp_path / "torn.jsonl").write_text(json.dumps(ROW) + '\n{"prompt": "q", "resp')
    (tmp_path / "object.json").write_text("{}")
    (tmp_path / "bad.jsonl.gz").write_bytes(b"plain")
    (tmp_path / "latin.jsonl").write_bytes(b'{"prompt": "\xe9"}')
    for name, complaint in [
        ("torn.jsonl", "torn.jsonl, row 2: not JSON"),
        ("object.json", "holds a list of rows"),
        ("bad.jsonl.gz", "damaged gzip"),
        ("latin.jsonl", "not UTF-8 at byte 12"),
        ("absent.jsonl", "no such data file"),
    ]:
        with pytest.raises(DataError, match=complaint):
            read_groups(tmp_path / name)
    with pytest.raises(DataError, match="no usable row"):
        read_groups(write_jsonl("empty.jsonl", []))


def test_defects_of_published_pairs_are_dropped_and_counted(data_dir: Path) -> None:
    folder = data_dir / "preference"
    groups, report = read_groups(folder / "ultrafeedback_binarized_train_1000.jsonl.gz")
    assert (report.rows, report.identical, report.empty) == (1000, 4, 2)
    assert len(groups) == report.groups == 994
    assert read_groups(folder / "ultrafeedback_binarized_eval_200.jsonl.gz", 24)[1].rows == 24


def test_k_of_n_responses_keeps_the_best_and_a_seeded_draw(write_jsonl: Any) -> None:
    row = {"prompt": "q", "responses": list("abcdef"), "rewards": [0, 1, 5, 2, 3, 4]}
    path = write_jsonl("data.jsonl", [row] * 20)
    first, _ = read_groups(path, responses=3, seed=1)
    assert all("c" in group.responses and len(group.responses) == 3 for group in first)
    assert len({group.responses for group in first}) > 3
    assert first == read_groups(path, responses=3, seed=1)[0]
    assert first != read_groups(path, responses=3, seed=2)[0]
    assert first[:5] == read_groups(path, rows=5, responses=3, seed=1)[0]
    with pytest.raises(DataError, match="nothing to compare"):
        read_groups(path, responses=1)


def test_one_cut_of_the_prompt_for_all_responses_and_never_the_header(tiny_model: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    header = "<|im_start|>assistant\n"
    group = Group((("user", "x" * 50),), ("a" * 10, "b" * 30), (1, 0), "made:1")

    def cut(max_length: int, max_prompt_length: int) -> tuple[str, list[str], Any]:
        (done,), report = tokenise(tokenizer, [group], max_length, max_prompt_length)
        texts = [tokenizer.decode(ids) for ids in done.responses]
        return tokenizer.decode(done.prompt), texts, report

    prompt, responses, report = cut(1000, 500)
    assert prompt.endswith("x<|im_end|>\n" + header)
    assert responses == ["a" * 10 + "<|im_end|>", "b" * 30 + "<|im_end|>"]
    assert (report.cut_prompts, report.cut_responses, report.prompts) == (0, 0, 1)

    prompt, responses, report = cut(60, 20)  # the prompt gives way first, as far as it must
    assert prompt.endswith("<|im_end|>\n" + header)
    assert len(tokenizer(prompt)["input_ids"]) == 60 - 31
    assert (report.cut_prompts, report.cut_responses) == (1, 0)

    prompt, responses, report = cut(40, 20)  # then the responses
    assert responses == ["a" * 10 + "<|im_end|>", "b" * 20]
    assert (report.cut_prompts, report.cut_responses) == (1, 1)

    prompt, responses, _ = cut(5, 2)  # a limit below all reason
    assert prompt == header
    assert responses == ["a", "b"]

"""Groups as token ids: one cut for all responses of a prompt, within the limits, and counted."""

from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from train.config import TrainConfig
from train.data.groups import read_groups
from train.data.prepare import prepare
from train.data.row_formats import Group
from train.data.tokens import tokenise
from train.errors import DataError


def test_a_prompt_of_several_turns_is_rendered_whole(tiny_model: Path, write_jsonl: Any) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    transcript = "\n\nHuman: q1\n\nAssistant: r1\n\nHuman: q2\n\nAssistant:"
    row = {"chosen": f"{transcript} a", "rejected": f"{transcript} b"}
    groups, _ = read_groups(write_jsonl("hh.jsonl", [row]))
    (group,), _ = tokenise(tokenizer, groups, 1000, 500)
    assert tokenizer.decode(group.prompt) == (
        "<|im_start|>user\nq1<|im_end|>\n<|im_start|>assistant\nr1<|im_end|>\n"
        "<|im_start|>user\nq2<|im_end|>\n<|im_start|>assistant\n"
    )
    assert [tokenizer.decode(ids) for ids in group.responses] == ["a<|im_end|>", "b<|im_end|>"]


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


def test_what_would_be_cut_is_dropped_on_demand_and_counted(tiny_model: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    texts = {"short": "b" * 5, "fits": "b" * 20, "long": "b" * 21}
    groups = [
        Group((("user", "x" * 5),), ("a" * 3, text), (1, 0), f"made:{name}")
        for name, text in texts.items()
    ]
    (fits,), _ = tokenise(tokenizer, groups[1:2], 1000, 500)
    limit = len(fits.prompt) + len(fits.responses[1])
    kept, report = tokenise(tokenizer, groups, limit, 2, "drop")
    assert [group.source for group in kept] == ["made:short", "made:fits"]
    assert (report.prompts, report.too_long) == (2, 1)
    assert (report.cut_prompts, report.cut_responses) == (0, 0)
    cut, report = tokenise(tokenizer, groups, limit, 2)
    assert len(cut) == 3
    assert (report.cut_prompts, report.too_long) == (1, 0)


def test_a_limit_that_no_prompt_fits_is_said(tiny_model: Path, write_jsonl: Any) -> None:
    row = {"prompt": "a" * 50, "responses": ["bb", "c"], "rewards": [1, 0]}
    config = TrainConfig(
        data=write_jsonl("long.jsonl", [row]), max_length=20, max_prompt_length=5, too_long="drop"
    )
    with pytest.raises(DataError, match=r"long\.jsonl: no prompt fits: raise max_length"):
        prepare(config, AutoTokenizer.from_pretrained(tiny_model))

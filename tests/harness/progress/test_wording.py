"""Counts of training data in one or two lines, for people."""

import io
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from transformers import AutoTokenizer

from harness.progress.live import Live
from harness.progress.screen import Plain
from harness.progress.wording import data_lines
from train.config import TrainConfig
from train.data.prepare import prepare

ROWS = [
    {"prompt": "q" * 30, "responses": ["a", "b", "a"], "rewards": [2, 1, 1]},
    {"prompt": "q", "responses": ["a", "b" * 90], "rewards": [1, 1]},
    {"prompt": "q", "chosen": "a", "rejected": "a"},
    {"prompt": "q", "chosen": "a", "rejected": ""},
    {"chosen": "\n\nHuman: q\n\nAssistant: a", "rejected": "\n\nHuman: p\n\nAssistant: a"},
    {
        "instruction": "q",
        "completions": [
            {"response": text, "overall_score": score}
            for text, score in (("a", 1), ("b", 2), ("c", None))
        ],
    },
    {"instruction": "q", "completions": []},
    {"prompt": "", "chosen": "a", "rejected": "b"},
]


def event(tiny_model: Path, data: Path, **keys: Any) -> dict[str, Any]:
    """The event that a run tells about this data."""
    config = TrainConfig(data=data, max_length=100, max_prompt_length=40, **keys)
    counts = prepare(config, AutoTokenizer.from_pretrained(tiny_model)).counts
    return {"event": "data", "split": "train", **asdict(counts)}


def test_every_count_of_a_run_is_told(tiny_model: Path, write_jsonl: Any) -> None:
    told = event(tiny_model, write_jsonl("data.jsonl", ROWS), method="nca")
    first, second = data_lines(told)
    assert first.startswith(
        "train data: 8 rows, 3 prompts used (dropped: 1 identical responses, 1 empty responses, "
        "1 different prompts, 1 no question, 1 too few responses), "
    )
    assert second == (
        "  in them: 1 responses cut, 1 prompts with all rewards tied, 2 tied pairs, "
        "1 duplicate responses, 1 responses left out"
    )
    pairs = event(tiny_model, write_jsonl("d.jsonl", ROWS), method="dpo", pairs="best_vs_worst")
    assert "2 prompts used (dropped: 1 identical responses" in data_lines(pairs)[0]
    assert "1 no pair of unequal rewards)" in data_lines(pairs)[0]


def test_clean_data_is_one_line(tiny_model: Path, write_jsonl: Any) -> None:
    rows = [{"prompt": "q", "responses": ["a", "b"], "rewards": [1, 0]}] * 2
    (line,) = data_lines(event(tiny_model, write_jsonl("clean.jsonl", rows)))
    assert line.startswith("train data: 2 rows, 2 prompts used, ")


def test_both_screens_print_them(tiny_model: Path, write_jsonl: Any) -> None:
    told = event(tiny_model, write_jsonl("data.jsonl", ROWS))
    for terminal, kind in ((True, Live), (False, Plain)):
        to = Console(file=io.StringIO(), force_terminal=terminal, width=300)
        with kind(to) as screen:
            screen({"event": "stage", "number": 1, "of": 1, "title": "train nca"})
            screen(told)
        assert isinstance(to.file, io.StringIO)
        for line in data_lines(told):
            assert line.strip() in to.file.getvalue()

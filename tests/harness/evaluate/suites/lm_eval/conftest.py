"""A folder of lm-eval tasks: one generates, one chooses, two are scored as they are."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

SHOTS = [{"q": f"What is {k} and {k}?", "a": str(2 * k)} for k in range(1, 6)]
GENERATION = [{"q": f"What is {k} and 3?", "a": a} for k, a in enumerate(("3", "é", "x", "6"))]
CHOICE = [
    {"q": f"The {animal} says ", "choices": ["meow", "woof woof", "moo"], "gold": k}
    for k, animal in enumerate(("cat", "dog", "cow"))
]
TEXTS = [{"text": "A short one."}, {"text": "A longer one, é. " * 12}]


def _write(folder: Path, name: str, rows: list[dict], **config: object) -> None:
    """A task over rows, which lie in files of its folder; keys that are None are left out."""
    splits = {"test": rows, **({"train": SHOTS} if "training_split" in config else {})}
    files = {split: str(folder / f"{name}-{split}.jsonl") for split in splits}
    for split, file in files.items():
        text = "".join(json.dumps(row) + "\n" for row in splits[split])
        Path(file).write_text(text, encoding="utf-8")
    known = {
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {
            "data_files": {k: str(v) for k, v in files.items()},
            "cache_dir": str(folder / "cache"),
        },
        "test_split": "test",
        **config,
    }
    text = yaml.safe_dump({key: value for key, value in known.items() if value is not None})
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def _filtered(name: str, pattern: str) -> dict:
    """A filter that takes what a pattern finds first."""
    steps = [{"function": "regex", "regex_pattern": pattern}, {"function": "take_first"}]
    return {"name": name, "filter": steps}


@pytest.fixture
def write_task() -> Callable[..., None]:
    """A function that writes a task: its folder, name, rows, and keys of its file."""
    return _write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder."""
    found = tmp_path / "tasks"
    found.mkdir()
    _write(
        found,
        "sums",
        GENERATION,
        output_type="generate_until",
        training_split="train",
        num_fewshot=2,
        doc_to_text="Q: {{q}}\nA:",
        doc_to_target="{{a}}",
        generation_kwargs={"until": ["\n", "Q"], "max_gen_toks": 12},
        filter_list=[_filtered("first-byte", "(.)"), _filtered("words", r"(\w+)")],
        metric_list=[{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
        metadata={"version": 2.0},
    )
    _write(
        found,
        "animals",
        CHOICE,
        output_type="multiple_choice",
        doc_to_text="{{q}}",
        doc_to_choice="choices",
        doc_to_target="gold",
        metric_list=[
            {"metric": "acc", "aggregation": "mean", "higher_is_better": True},
            {"metric": "acc_norm", "aggregation": "mean", "higher_is_better": True},
            {"metric": "mcc", "aggregation": "matthews_corrcoef", "higher_is_better": True},
        ],
    )
    _write(
        found,
        "texts",
        TEXTS,
        output_type="loglikelihood_rolling",
        doc_to_text="",
        doc_to_target="{{text}}",
    )
    _write(
        found,
        "ends",
        [{"q": "One two ", "a": "three"}, {"q": "", "a": "four"}],
        output_type="loglikelihood",
        doc_to_text="{{q}}",
        doc_to_target="{{a}}",
    )
    return found

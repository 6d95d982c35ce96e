"""Task files of lm-eval over rows of their own, for tests."""

import json
from pathlib import Path

import yaml

SHOTS = [{"q": f"What is {k} and {k}?", "a": str(2 * k)} for k in range(1, 6)]
GENERATION = [{"q": f"What is {k} and 3?", "a": a} for k, a in enumerate(("3", "é", "x", "6"))]
CHOICE = [
    {"q": f"The {animal} says ", "choices": ["meow", "woof woof", "moo"], "gold": k}
    for k, animal in enumerate(("cat", "dog", "cow"))
]
TEXTS = [{"text": "A short one."}, {"text": "A longer one, é. " * 12}]


def write(folder: Path, name: str, rows: list[dict], **config: object) -> None:
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


def filtered(name: str, pattern: str) -> dict:
    """A filter that takes what a pattern finds first."""
    steps = [{"function": "regex", "regex_pattern": pattern}, {"function": "take_first"}]
    return {"name": name, "filter": steps}

"""The registry: held together with its page, and open to a new objective in one file."""

import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest

from train.config import TrainConfig, TrainJob
from train.objectives import pairwise
from train.objectives.registry import REGISTRY, find
from train.trainer.run import run

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "reference" / "objectives.md").read_text(encoding="utf-8")
ROWS = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| `")]
#: Settings that every config has; an objective's other ones go under `method_settings`.
SHARED = {"beta", "alpha", "pairs", "seed"}


def test_the_page_has_a_row_for_every_objective_with_its_needs() -> None:
    names = [name for row in ROWS for name in re.findall(r"`(\w+)`", row[0]) if name in REGISTRY]
    assert sorted(names) == sorted(REGISTRY)
    for title, needs, _, source in ROWS:
        entry = find(re.findall(r"`(\w+)`", title)[0])
        assert needs.startswith(entry.labels)
        assert ("no reference" in needs) == (not entry.reference)
        assert bool(re.search(r"; l\b|a token", needs)) == (entry.logps == "mean")
        assert source


def test_the_page_names_every_setting_with_its_default() -> None:
    for title, *_ in ROWS:
        entry = find(re.findall(r"`(\w+)`", title)[0])
        parameters = inspect.signature(entry.build).parameters
        for name in entry.settings - SHARED - {"favour_first"}:
            (default,) = re.findall(rf"`{name}` ([\d.]+)", title)
            assert float(default) == parameters[name].default
    assert "`favour_first: 1`" in PAGE


def test_an_objective_is_added_by_a_function_and_an_entry(
    tiny_model: Path, tmp_path: Path, write_jsonl: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The example of CONTRIBUTING.md, from a config to a trained checkpoint."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("## How to add an objective")[2]
    code = section.partition("```python\n")[2].partition("```")[0]
    (entry,) = re.findall(r'with the entry `"squared_hinge": (.+)`\.', section)
    names = dict(vars(pairwise))
    exec(code, names)
    monkeypatch.setitem(REGISTRY, "squared_hinge", eval(entry, names))
    rows = [{"prompt": f"{n}?", "responses": list("abc"), "rewards": [2, 1, 0]} for n in range(4)]
    config = TrainConfig(
        data=write_jsonl("train.jsonl", rows),
        probe=write_jsonl("probe.jsonl", rows[:2]),
        method="squared_hinge",
        pairs="best_vs_worst",
        learning_rate=1e-2,
        warmup=0,
        prompts_per_step=4,
    )
    out = tmp_path / "out"
    run(TrainJob(base=tiny_model, out=out, cache=tmp_path / "cache", config=config))
    records = [json.loads(line) for line in (out / "steps.jsonl").read_text().splitlines()]
    assert [record["loss"] for record in records[:2]] == pytest.approx([1.0, 1.0], abs=1e-4)
    assert records[-1]["loss"] < 1.0
    assert (out / "checkpoint" / "adapter_model.safetensors").is_file()

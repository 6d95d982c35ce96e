"""`kl:SUITE` from the command line: whose reference, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from harness.storage.result import read_result

RECIPE = {
    "train": {
        "data": "rows.jsonl",
        "max_steps": 3,
        "prompts_per_step": 2,
        "learning_rate": 0.01,
        "form": "padded",
    },
    "checkpoints": {"nca": {"method": "nca"}},
    "evaluate": {
        "suites": ["kl:arithmetic"],
        "limit": 2,
        "decoding": {"max_tokens": 8},
        "engine": {"name": "transformers"},
    },
}
ROW = {"prompt": "What is 1 + 1?", "responses": ["2", "3"], "rewards": [1.0, 0.0]}


@pytest.fixture
def recipe(tmp_path: Path, lively_model: Path) -> Path:
    file = tmp_path / "small.yaml"
    file.write_text(yaml.safe_dump({"name": "small", "base": str(lively_model), **RECIPE}))
    (tmp_path / "rows.jsonl").write_text((json.dumps(ROW) + "\n") * 2)
    return file


def test_a_recipe_measures_against_its_base_and_eval_against_what_trained_it(
    recipe: Path, tmp_path: Path, nca: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert nca("run", recipe, "--tracking", "none", "--quiet") == 0
    (folder,) = tmp_path.glob("runs/small-*")
    result = read_result(folder)
    base, trained = (c.suites["kl:arithmetic"] for c in result.checkpoints)
    assert base.metrics["k1"] == 0.0
    assert trained.metrics["k1"] != 0.0
    assert base.protocol["reference"] == trained.protocol["reference"]

    checkpoint = folder / "train" / "nca" / "checkpoint"
    options = ("--suites", "kl:arithmetic", "--limit", 2, "--engine", "transformers")
    assert nca("eval", checkpoint, *options, "--tracking", "none", "--quiet") == 0
    (again,) = tmp_path.glob("runs/eval-*")
    (found,) = read_result(again).checkpoints
    assert found.suites["kl:arithmetic"].protocol["reference"] == base.protocol["reference"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--engine", "transformers"), "--reference"),
        (("--engine", "transformers", "--reference", "nowhere/here"), "nowhere/here"),
        (
            ("--base-url", "http://127.0.0.1:9/v1", "--reference", "MODEL"),
            "kl:arithmetic needs tokens",
        ),
        (
            ("--engine", "fake", "--reference", "MODEL"),
            "kl:arithmetic needs sampling, which engine fake lacks: choose another with --engine",
        ),
    ],
)
def test_what_is_missing_is_said_before_anything_starts(
    options: tuple[str, ...],
    said: str,
    tiny_model: Path,
    tmp_path: Path,
    nca: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    options = tuple(str(tiny_model) if option == "MODEL" else option for option in options)
    code = nca("eval", tiny_model, "--suites", "kl:arithmetic", "--tracking", "none", *options)
    error = capsys.readouterr().err
    assert (code, said in error) == (2, True), error
    assert "Traceback" not in error


def test_a_recipe_whose_engine_draws_nothing_is_refused_before_training(
    recipe: Path,
    tmp_path: Path,
    nca: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    options = ("--set", "evaluate.engine.name=fake", "--tracking", "none")
    assert nca("run", recipe, *options) == 2
    error = capsys.readouterr().err
    assert "kl:arithmetic needs sampling, which engine fake lacks" in error
    assert len(error.splitlines()) == 1
    assert not list(tmp_path.glob("runs/*/train"))

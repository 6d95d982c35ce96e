"""The command line: errors are one or two lines, an exit code and no traceback."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from eval_suites.registry import SUITES, find

RECIPE = """
name: small
base: {base}
train: {{data: {data}, max_steps: 1, prompts_per_step: 2, form: padded}}
checkpoints: {{nca: {{method: nca}}}}
evaluate: {{suites: [arithmetic], limit: 2, engine: {{name: fake}}}}
"""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "nowhere.yaml"), "no such recipe"),
        (("eval", "no-folder/here", "--suites", "arithmetic", "--engine", "fake"), "neither"),
        (("eval", ".", "--suites", "arithmetic", "--engine", "fake"), "no checkpoint"),
        (("eval", ".", "--suites", "arithmetik", "--engine", "fake"), "did you mean arithmetic"),
        (("eval", ".", "--suites", "arithmetic", "--engine", "quick"), "no engine is called"),
        (("eval", ".", "--suites", "gsm8k", "--engine", "fake"), "--data-dir"),
        (("eval", "a/x", "b/x", "--suites", "arithmetic"), "write NAME=FOLDER"),
        (("eval", ".", "--suites", "arithmetic", "--limit", "many"), "--limit many"),
        (
            ("eval", "x", "--suites", "arithmetic", "--engine", "openai", "--max-model-len", "64"),
            "an endpoint has the length that it was started with",
        ),
        (("eval", ".", "--suites", "arithmetic", "--max-model-len", "8"), "--max-model-len"),
        (("audit", ".", "--suites", "arithmetic", "--max-model-len", "x"), "--max-model-len"),
        (("compare", "runs/none"), "no result there"),
        (("suites", "show", "gsm9k"), "did you mean gsm8k"),
        (("suites", "show", "arithmetic", "--sample", "100000"), "200 samples"),
        (("jump",), "jump"),
        (("run",), "recipe"),
    ],
)
def test_a_mistake_ends_with_exit_code_2_and_a_remedy(
    arguments: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    nca: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("NCA_DATA_DIR", raising=False)

    code = nca(*arguments)

    error = capsys.readouterr().err
    assert code == 2
    assert said in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('{"prompt": "p", "responses": ["a", "b"]}', "rewards"),
        ('{"prompt": "p", "responses": ["a", "b"], "rewards": [1, NaN]}', "row"),
        ('{"prompt": "p", "responses": ["a", ""], "rewards": [1, 0]}', "empty"),
        ("not json", "row"),
    ],
)
def test_bad_training_data_is_named_by_file_and_row(
    row: str,
    said: str,
    tmp_path: Path,
    tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    nca: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    good = '{"prompt": "p", "responses": ["a", "b"], "rewards": [1, 0]}\n'
    (tmp_path / "bad.jsonl").write_text(good + row + "\n")
    (tmp_path / "r.yaml").write_text(RECIPE.format(base=tiny_model, data="bad.jsonl"))

    code = nca("run", "r.yaml", "--tracking", "none", "--quiet")

    error = capsys.readouterr().err
    assert code == 2
    assert said in error
    assert "bad.jsonl" in error
    assert len(error.strip().splitlines()) <= 2


def test_an_unknown_method_is_refused_before_anything_starts(
    tmp_path: Path,
    tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    nca: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d.jsonl").write_text('{"prompt": "p", "responses": ["a", "b"], "rewards": [1, 0]}')
    (tmp_path / "r.yaml").write_text(RECIPE.format(base=tiny_model, data="d.jsonl"))

    code = nca("run", "r.yaml", "--set", "checkpoints.nca.method=nce")

    assert code == 2
    assert "nce" in capsys.readouterr().err
    assert not list(tmp_path.glob("runs/*/train/*/stage.log"))


def test_missing_training_data_is_named_before_anything_starts(
    tmp_path: Path,
    tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    nca: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.yaml").write_text(RECIPE.format(base=tiny_model, data="gone.jsonl"))

    assert nca("run", "r.yaml") == 2
    assert "gone.jsonl: no such file" in capsys.readouterr().err


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys, harness.cli.main\n"
        "heavy = {'torch', 'transformers', 'vllm', 'mlflow', 'scipy', 'numpy', 'openai'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )

    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_suites_are_listed_and_shown(
    monkeypatch: pytest.MonkeyPatch,
    nca: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)

    for width in ("80", "120"):
        monkeypatch.setenv("COLUMNS", width)
        assert nca("suites") == 0
        printed = capsys.readouterr().out
        assert max(map(len, printed.splitlines())) <= int(width)
        assert set(SUITES) <= set(printed.split())  # no name is cut or folded
        assert all(one.source.partition(" @ ")[0] in printed for one in map(find, SUITES))
    assert nca("suites", "show", "arithmetic") == 0
    shown = capsys.readouterr().out
    assert "from this project, licence: Apache-2.0" in shown
    assert "[user]" in shown
    assert "headline accuracy" in shown
    assert "A judge is asked" not in shown


def test_a_judged_suite_shows_what_its_judge_is_asked(
    nca: Callable[..., int], capsys: pytest.CaptureFixture[str], data_dir: Path
) -> None:
    assert nca("suites", "show", "mt_bench", "--data-dir", data_dir) == 0
    shown = capsys.readouterr().out
    assert shown.count("A judge is asked:") == 2
    assert shown.count("(the model's answer)") == 3

"""Every suite on its real files: gold responses score 1, wrong twins 0, as the docs state."""

import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from eval_suites.errors import DataError
from eval_suites.registry import SUITES, find
from tests.suite_cases.cases import GoldCase, GoldCases, gold_cases

from . import table
from .runner import Disagreements, faults, run

GOLD = gold_cases()
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            gold.suite, marks=[pytest.mark.slow, pytest.mark.timeout(1800)] if gold.slow else []
        )
        for gold in GOLD.values()
    ],
)
def test_every_gold_scores_one_and_its_twin_zero(name: str, data_dir: Path) -> None:
    held = GOLD[name]
    try:
        found = run(held, data_dir)
    except DataError as error:
        if "is missing: " not in str(error):
            raise
        pytest.skip(str(error))
    assert faults(held, found) == []


def test_every_suite_is_held_to_its_gold() -> None:
    assert set(GOLD) == {name for name in SUITES if find(name).judging is None}


def cases(_folder: Path) -> Iterator[GoldCase]:
    first, second, third = find("arithmetic").load(None)[:3]
    yield GoldCase(first, f"The answer is {first.answer}.", "No.")
    yield GoldCase(second, "No.", "No.")
    yield GoldCase(third, "The answer is 1.", f"The answer is {third.answer}.")


MADE_UP = GoldCases(suite="arithmetic", cases=cases, samples=3)


def test_what_disagrees_is_told_and_so_is_an_exception_that_is_none(tmp_path: Path) -> None:
    done: list[int] = []
    found = run(MADE_UP, tmp_path, done.append)
    assert (found, done) == (Disagreements(3, frozenset({"1", "2"}), frozenset({"2"})), [3])
    held = replace(MADE_UP, samples=4, golds={"1": "why", "2": "why"}, twins={"0": "why"})
    assert faults(held, found) == [
        "arithmetic: 3 samples, 4 are expected",
        "arithmetic 2: twin does not score 0",
        "arithmetic 0: no exception any more",
    ]
    assert faults(replace(held, samples=3, twins={"2": "why"}), found) == []


def test_a_row_names_counts_and_exceptions() -> None:
    held = replace(MADE_UP, golds={"1": "why"}, twins={"2": "so"}, note="three of many")
    found = Disagreements(1319, frozenset({"1"}), frozenset())
    assert table.row(held, found) == (
        "| `arithmetic` | 1,319 | 1,318 | 1,319 | gold 1: why; twin 2: so; three of many |"
    )
    assert table.row(MADE_UP, found).endswith("| none |")


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr("sys.path", [*sys.path])
    spec = importlib.util.spec_from_file_location("script", ROOT / "scripts" / "fidelity.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_command_prints_a_table_and_fails_where_something_disagrees(
    script: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = ["--data-dir", str(tmp_path), "arithmetic", "gsm8k", "svamp", "mt_bench"]
    known = {name: GOLD[name] for name in ("arithmetic", "gsm8k")}
    monkeypatch.setattr(script, "GOLD", known)
    assert script.main(asked) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[2:] == [
        "| `arithmetic` | 200 | 200 | 200 | none |",
        "| `gsm8k` | – | – | – | its files are not there |",
        "| `svamp` | – | – | – | has no cases |",
        "| `mt_bench` | – | – | – | scored by a judge: compared with stored verdicts |",
    ]
    assert "arithmetic: 200 of 200" in printed.err
    monkeypatch.setattr(script, "GOLD", {"arithmetic": MADE_UP})
    assert script.main(asked[:3]) == 1
    assert "arithmetic 1: gold does not score 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("folder", "name", "said"),
    [("none", "svamp", "none is no folder"), (".", "svmap", "mean svamp")],
)
def test_a_mistake_ends_with_exit_code_2(
    folder: str, name: str, said: str, script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        script.main(["--data-dir", folder, name])
    assert said in capsys.readouterr().err

"""`nca sync`: what it sends without being told, what it says, and how it ends."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.tracking.stores import runs

Nca = Callable[..., int]
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture
def there(tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a finished run in `runs`, and one that is not finished."""
    monkeypatch.chdir(tmp_path)
    (run.parent / "other-1").mkdir()
    return tmp_path


def test_all_finished_runs_are_sent_and_a_second_time_nothing_is_new(
    there: Path, run: Path, nca: Nca, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = shutil.copytree(run, run.parent / "second-2")
    result = json.loads((copy / "result.json").read_text(encoding="utf-8"))
    text = json.dumps(result | {"recipe": "second", "key": "2"})
    (copy / "result.json").write_text(text, encoding="utf-8")

    assert nca("sync") == 0
    first = capsys.readouterr().out.splitlines()
    assert nca("sync") == 0
    again = capsys.readouterr().out.splitlines()

    assert [line.partition(":")[0] for line in first[1:]] == ["golden-00c0ffee", "second-2"]
    assert "experiment golden holds 8 runs" in first[1]
    assert "4 checkpoints" in first[1]
    assert all("none new" in line for line in again[1:])
    assert len(runs(f"sqlite:///{there}/runs/mlflow.db", "second")) == 8


def test_a_run_is_sent_to_the_store_and_experiment_that_are_named(
    there: Path, run: Path, nca: Nca, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = f"sqlite:///{there}/elsewhere.db"
    assert nca("sync", run, "--tracking", uri, "--experiment", "mine") == 0
    assert nca("compare", "mlflow:mine", "--tracking", uri, "--format", "csv") == 0
    table = capsys.readouterr().out
    assert nca("compare", run, "--format", "csv") == 0
    assert table.endswith(capsys.readouterr().out)
    assert not (there / "runs" / "mlflow.db").exists()


def test_a_store_that_is_down_is_exit_code_1_and_one_line(
    there: Path, nca: Nca, capsys: pytest.CaptureFixture[str]
) -> None:
    assert nca("sync", "--tracking", "http://127.0.0.1:9") == 1
    assert "golden-00c0ffee: failed: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("runs/other-1",), "runs/other-1: no run folder with a result"),
        (("nowhere",), "nowhere: no run folder with a result"),
        (("runs/golden-00c0ffee/result.json",), "no run folder with a result"),
        (("--runs", "empty"), "empty: there is no finished run"),
        (("--tracking", "none"), "there is no store to send to"),
    ],
)
def test_what_cannot_be_sent_is_said_before_anything_is(
    there: Path, nca: Nca, capsys: pytest.CaptureFixture[str], given: tuple[str, ...], said: str
) -> None:
    assert nca("sync", *given) == 2
    assert said in capsys.readouterr().err
    assert not list(there.rglob("*.db"))

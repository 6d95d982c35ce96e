"""The doctor: every finding that is not ok has a remedy, and nothing is changed by looking."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from harness.cli.diagnosis import Check, checks, table
from harness.report.tables.formats import markdown


def look(tmp_path: Path, **where: object) -> dict[str, Check]:
    """The checks by name, with run and data folders that are not there yet."""
    folders = {"runs": tmp_path / "runs", "data_dir": tmp_path / "data"}
    settings: dict[str, object] = {**folders, **where}
    return {check.name: check for check in checks(**settings)}  # type: ignore[arg-type] # by name


def test_what_is_not_ok_has_a_remedy_and_looking_changes_nothing(tmp_path: Path) -> None:
    found = look(tmp_path, tracking_uri=f"sqlite:///{tmp_path}/runs/mlflow.db")
    assert all(check.remedy for check in found.values() if check.state != "ok")
    assert list(tmp_path.iterdir()) == []
    assert {"Python", "torch", "vLLM", "sandbox", "MLflow store"} <= found.keys()


def test_an_absent_package_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.metadata

    def version(_name: str) -> str:
        raise importlib.metadata.PackageNotFoundError

    monkeypatch.setattr(importlib.metadata, "version", version)
    found = look(tmp_path)
    assert {found[name].state for name in ("torch", "vLLM", "mlflow")} == {"missing"}


def test_the_store_is_counted_or_called_damaged(tmp_path: Path) -> None:
    store = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(store)) as db:
        db.execute("create table runs (id text)")
    name = "MLflow store"
    assert "(0 runs)" in look(tmp_path, tracking_uri=f"sqlite:///{store}")[name].detail
    store.write_bytes(b"no database" * 100)
    assert look(tmp_path, tracking_uri=f"sqlite:///{store}")[name].state == "missing"


def test_a_server_that_does_not_answer_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    uri = "http://127.0.0.1:9"
    assert look(tmp_path, tracking_uri=uri)["MLflow store"].state == "ok"
    assert look(tmp_path, tracking_uri=uri, online=True)["MLflow store"].state == "warn"


def test_a_data_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert look(tmp_path, data_dir=tmp_path / "none")["benchmark files"].state == "warn"
    (tmp_path / "gsm8k").mkdir()
    assert "gsm8k" in look(tmp_path, data_dir=tmp_path)["benchmark files"].detail


def test_the_checks_are_a_table() -> None:
    text = markdown(table((Check("GPU", "warn", "none", "small models only"),)))
    assert "| warn | GPU | none<br>→ small models only |" in text


def test_the_tier_is_named_with_why_no_stronger_one_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eval_suites.sandbox import runner

    assert look(tmp_path)["sandbox"].detail == "programs are contained on tier A"
    reasons: dict[str, str | None] = {"A": "no bubblewrap", "B": None}

    async def obstacle(tier: str, worker: object) -> str | None:
        return reasons[tier]

    monkeypatch.setattr(runner, "obstacle", obstacle)
    check = look(tmp_path)["sandbox"]
    assert (check.state, check.detail) == (
        "warn",
        "programs are contained on tier B (not A: no bubblewrap)",
    )
    reasons["B"] = "no Landlock"
    check = look(tmp_path)["sandbox"]
    assert check.state == "missing"
    assert "tier A: no bubblewrap; tier B: no Landlock" in check.detail

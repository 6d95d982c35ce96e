"""Provenance: what is said of code and machine, and what is not said where it is not known."""

import subprocess
from pathlib import Path

import pytest

from harness.storage.provenance import git_state, machine, made_here, versions


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


def test_a_commit_is_named_and_tracked_changes_are_seen(tmp_path: Path) -> None:
    git(tmp_path, "init")
    (tmp_path / "recipe.yaml").write_text("name: a\n", encoding="utf-8")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "one")
    (tmp_path / "below").mkdir()
    (tmp_path / "notes").write_text("untracked", encoding="utf-8")

    clean = git_state(tmp_path / "below")
    (tmp_path / "recipe.yaml").write_text("name: b\n", encoding="utf-8")
    changed = git_state(tmp_path)

    assert len(clean["commit"]) == 40
    assert clean["changed"] == "no"
    assert changed == {"commit": clean["commit"], "changed": "yes"}


def test_where_there_is_no_repository_or_no_git_nothing_is_claimed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_state(tmp_path) == {}
    monkeypatch.setenv("PATH", "")
    assert git_state(Path(__file__).parent) == {}


def test_a_machine_is_described_without_its_name_and_without_empty_words() -> None:
    import socket

    found = machine()
    assert found.keys() >= {"system", "processor", "cores", "memory_gib", "python"}
    assert all(found.values())
    assert socket.gethostname() not in found.values()


def test_what_made_a_stage_has_the_state_at_its_start_and_the_versions() -> None:
    made = made_here({"commit": "c0ffee", "changed": "no"})
    assert made["commit"] == "c0ffee"
    assert made["version.torch"] == versions()["torch"]

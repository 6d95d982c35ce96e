"""A stage in this process: what it finds in its folder, and what it leaves."""

import fcntl
from pathlib import Path

import pytest

from harness.errors import StageBusy
from harness.pipeline import worker
from harness.progress.events import silent
from harness.storage import locks
from harness.storage.atomic_files import read_json, replacing, write_json
from harness.storage.run_folder import pending_job


def test_what_killed_writers_left_is_cleared_but_for_another_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[list[str]] = []

    def work(job: object, report: object) -> bool:
        found.append(sorted(file.name for file in tmp_path.rglob("*.new")))
        return True

    monkeypatch.setattr(worker, "KINDS", {"look": work})
    write_json(tmp_path / "resolved.json", {"kind": "look", "key": "k", "job": {}})
    (tmp_path / "base").mkdir()
    for name in ("base/.log.jsonl.k2_x8a1q.new", ".done.json.0a9zk2_x.new", "base/hers.new"):
        (tmp_path / name).touch()
    with replacing(tmp_path / "resolved.json") as other:  # a command that starts meanwhile
        other.write('{"key": "k"}')
        worker.run_stage("look", tmp_path / "resolved.json", silent)

    (names,) = found
    assert names[0].startswith(".resolved.json.")
    assert names[1:] == ["hers.new"]
    assert (tmp_path / "resolved.json").read_text() == '{"key": "k"}'


def test_what_a_command_tells_a_stage_stands_there_once_the_stage_holds_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []

    def work(job: object, report: object) -> bool:
        seen.append((job, read_json(tmp_path / "resolved.json")["job"]))
        # A second command comes while the stage works, and a second process of the stage.
        if len(seen) == 1:
            worker.run_stage("look", mine, silent, first=False)
        with pytest.raises(StageBusy):
            worker.run_stage("look", other, silent)
        return True

    monkeypatch.setattr(worker, "KINDS", {"look": work})
    mine, other = pending_job(tmp_path), pending_job(tmp_path)
    write_json(mine, {"kind": "look", "key": "k", "job": 1})
    write_json(other, {"kind": "look", "key": "j", "job": 2})

    worker.run_stage("look", mine, silent)

    assert seen == [(1, 1), (1, 1)]
    assert read_json(tmp_path / "resolved.json")["job"] == 1
    assert read_json(other)["job"] == 2
    assert not mine.exists()


def test_a_file_by_a_name_of_the_users_own_is_read_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs: list[object] = []
    monkeypatch.setattr(worker, "KINDS", {"look": lambda job, report: jobs.append(job) is None})
    file = tmp_path / "mine.json"
    write_json(file, {"kind": "look", "key": "k", "job": 3})

    worker.run_stage("look", file, silent)

    assert jobs == [3]
    assert file.exists()
    assert not (tmp_path / "resolved.json").exists()


def test_who_only_looks_at_a_lock_for_an_instant_turns_no_stage_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "stage.lock").open("w+") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        monkeypatch.setattr(locks.time, "sleep", lambda _: fcntl.flock(looking, fcntl.LOCK_UN))
        with locks.locked(tmp_path):
            assert '"pid"' in (tmp_path / "stage.lock").read_text()

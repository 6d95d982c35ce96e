"""A stage in this process: what it finds in its folder, and what it leaves."""

from pathlib import Path

import pytest

from harness import stage
from harness.events import silent
from harness.runs import replacing, write_json


def test_what_killed_writers_left_is_cleared_but_for_another_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[list[str]] = []

    def work(job: object, report: object) -> bool:
        found.append(sorted(file.name for file in tmp_path.rglob("*.new")))
        return True

    monkeypatch.setattr(stage, "KINDS", {"look": work})
    write_json(tmp_path / "resolved.json", {"kind": "look", "key": "k", "job": {}})
    (tmp_path / "base").mkdir()
    for name in ("base/.log.jsonl.k2_x8a1q.new", ".done.json.0a9zk2_x.new", "base/hers.new"):
        (tmp_path / name).touch()
    with replacing(tmp_path / "resolved.json") as other:  # a command that starts meanwhile
        other.write('{"key": "k"}')
        stage.run_stage("look", tmp_path / "resolved.json", silent)

    (names,) = found
    assert names[0].startswith(".resolved.json.")
    assert names[1:] == ["hers.new"]
    assert (tmp_path / "resolved.json").read_text() == '{"key": "k"}'

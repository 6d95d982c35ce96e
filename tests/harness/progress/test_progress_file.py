"""What a stage keeps of its progress, and when."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from harness.errors import RunFailed
from harness.progress.events import silent
from harness.progress.progress_file import EVERY_S, FILE, ProgressRecorder, recording
from harness.progress.throughput import Pair
from harness.storage.atomic_files import read_json


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def step(done: int, phase: str = "train") -> dict[str, Any]:
    return {"event": "progress", "phase": phase, "done": done, "total": 10}


def test_it_is_written_at_most_every_two_seconds_and_every_event_is_handed_on(
    tmp_path: Path,
) -> None:
    heard: list[Any] = []
    clock, file = Clock(), tmp_path / FILE
    keeper = ProgressRecorder(heard.append, file, clock)

    keeper(step(1))
    assert read_json(file) == {"phase": "train", "done": 1, "total": 10, "seconds_left": None}
    clock.now += EVERY_S / 2
    keeper(step(2))
    assert read_json(file)["done"] == 1
    clock.now += EVERY_S / 2
    keeper({"event": "note", "text": "nothing of progress"})
    assert read_json(file)["done"] == 1
    keeper(step(3))
    # Two steps in two seconds since the first was heard: seven more take seven.
    assert read_json(file) == {"phase": "train", "done": 3, "total": 10, "seconds_left": 7.0}
    assert len(heard) == 4


def test_another_phase_has_its_own_speed(tmp_path: Path) -> None:
    clock, file = Clock(), tmp_path / FILE
    keeper = ProgressRecorder(silent, file, clock)
    keeper(step(9, "reference"))
    clock.now += 100
    keeper(step(1))
    assert read_json(file) == {"phase": "train", "done": 1, "total": 10, "seconds_left": None}


def test_an_evaluation_is_counted_by_suite_over_all_checkpoints(tmp_path: Path) -> None:
    clock, file = Clock(), tmp_path / FILE
    keeper = ProgressRecorder(silent, file, clock)
    pairs = [Pair("gsm8k", name, 10, begun=True) for name in ("base", "nca")]
    pairs.append(Pair("svamp", "base", 4))
    told = {"event": "evaluating", "seconds": 0.0, "pairs": [asdict(pair) for pair in pairs]}
    keeper(told)
    clock.now += EVERY_S
    changed = Pair("gsm8k", "nca", 10, True, 6, 6, 120, 3.0, not_ok=2, lost=1)
    keeper({"event": "evaluating", "seconds": 3.0, "pairs": [asdict(changed)]})

    assert read_json(file) == {
        "phase": "evaluate",
        "done": 6,
        "total": 24,
        "seconds_left": 9.0,
        "tokens_per_second": 40.0,
        "not_ok": 2,
        "lost": 1,
        "suites": {"gsm8k": {"done": 6, "total": 20}, "svamp": {"done": 0, "total": 4}},
    }


def test_it_is_gone_at_a_good_end_and_stays_at_a_bad_one(tmp_path: Path) -> None:
    file = tmp_path / FILE

    def killed() -> None:
        with recording(silent, tmp_path) as report:
            report(step(4))
            raise RunFailed

    with pytest.raises(RunFailed):
        killed()
    assert read_json(file)["done"] == 4

    with recording(silent, tmp_path) as report:
        assert not file.exists()  # what another process left is not this one's
        report(step(1))
        assert file.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_cannot_be_written_does_not_end_the_work(tmp_path: Path) -> None:
    heard: list[Any] = []
    keeper = ProgressRecorder(heard.append, tmp_path / "gone" / FILE)
    keeper(step(1))
    keeper(step(2))
    assert len(heard) == 2

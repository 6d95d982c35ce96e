"""Where a run stands: by the locks of real processes, and by what they left."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.pipeline import worker as stages
from harness.report.dashboard.discovery import discover
from harness.report.dashboard.run_status import (
    Progress,
    RunStatus,
    lock_of,
    progress_of,
    status_of,
)
from harness.storage.atomic_files import write_json, write_text

from .folders import Stage, recipe, save, scored


def standing(root: Path) -> RunStatus:
    (run,) = discover(root)
    return status_of(run.path, run.modified)


def how_far(found: RunStatus) -> tuple[str, int, int | None]:
    assert found.stage is not None
    assert found.stage.progress is not None
    return found.stage.progress.phase, found.stage.progress.done, found.stage.progress.total


def test_a_process_that_holds_the_lock_is_at_work_and_killed_it_is_not(
    tmp_path: Path, at_work: Callable[[Path], Stage]
) -> None:
    run = recipe(tmp_path / "run", "nca")
    working = at_work(run / "train" / "nca")
    working.step(5)

    found = standing(tmp_path)
    assert (found.state, how_far(found)) == ("working", ("train", 5, 8))
    assert found.stage is not None
    assert (found.stage.name, found.stage.pid) == ("train/nca", working.process.pid)
    assert found.stage.host == os.uname().nodename

    working.kill()
    found = standing(tmp_path)
    assert (found.state, how_far(found)) == ("stopped", ("train", 5, 8))


def test_a_stage_that_was_killed_goes_on_and_is_done(
    tmp_path: Path, at_work: Callable[[Path], Stage]
) -> None:
    run = recipe(tmp_path / "run", "nca")
    at_work(run / "train" / "nca").kill()
    assert standing(tmp_path).state == "stopped"

    again = at_work(run / "train" / "nca")
    assert standing(tmp_path).state == "working"
    again.end()
    found = standing(tmp_path)
    assert (found.state, found.trained) == ("between", 1)
    save(run / "result.json", scored({"base": 1}))
    assert standing(tmp_path).state == "finished"


def test_a_run_without_a_stage_at_work_is_between_two_for_a_while_only(
    tmp_path: Path,
) -> None:
    run = recipe(tmp_path / "run", "nca")
    assert status_of(run, discover(tmp_path)[0].modified).state == "between"
    assert status_of(run, discover(tmp_path)[0].modified - 60 * 10**9).state == "stopped"


def test_what_a_finished_run_began_anew_is_told_but_not_what_its_result_outlived(
    tmp_path: Path,
) -> None:
    run = recipe(tmp_path / "run")
    for name in ("eval", "tracking"):
        write_json(run / name / "resolved.json", {"key": "k"})
        (run / name / "stage.lock").touch()
    os.utime(run / "eval", (1, 1))
    save(run / "result.json", scored({"base": 1}))
    os.utime(run / "result.json", (2, 2))
    assert standing(tmp_path).state == "finished"  # requests were lost; the store failed

    os.utime(run / "eval", (3, 3))
    os.utime(run / "tracking", (1, 1))
    found = standing(tmp_path)
    assert (found.state, found.stage and found.stage.name) == ("stopped", "eval")


def test_the_last_word_of_a_stage_that_stopped_is_told_but_not_an_older_start_s(
    tmp_path: Path, at_work: Callable[[Path], Stage]
) -> None:
    run = recipe(tmp_path / "run", "nca")
    folder = run / "train" / "nca"
    at_work(folder).kill()
    write_text(folder / "stage.log", "first\nout of memory <b>\n\n")
    found = standing(tmp_path)
    assert found.stage is not None
    assert found.stage.message == "out of memory <b>"

    os.utime(folder / "stage.log", (1, 1))
    found = standing(tmp_path)
    assert found.stage is not None
    assert found.stage.message == ""


def test_looking_at_a_lock_leaves_it_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "stage.lock"
    assert lock_of(file) == "free"
    with stages.locked(tmp_path):
        before = file.read_text()
        assert lock_of(file) == "held"
        assert file.read_text() == before
    assert lock_of(file) == "free"
    with file.open("a+") as opened:  # nothing of the looks is left that would keep others out
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_training_that_keeps_no_progress_is_read_off_its_curve(tmp_path: Path) -> None:
    write_text(
        tmp_path / "steps.jsonl",
        '{"split":"probe","step":0}\n{"split":"train","step":0}\n{"split":"train","step":1}\n'
        '{"split":"probe","step":2}\n{"split":"trai',
    )
    write_text(tmp_path / "speed.jsonl", '{"seconds":3}\n{"seconds":5}\n')

    found = progress_of(tmp_path, {"config": {"max_steps": 6}})
    assert found is not None
    assert (found.phase, found.done, found.total, found.left) == ("train", 2, 6, 16.0)
    by_epochs = progress_of(tmp_path, {"config": {"max_steps": None}})
    assert by_epochs is not None
    assert (by_epochs.done, by_epochs.total, by_epochs.left) == (2, None, None)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", '{"done": "1", "total": 2}', '{"done": NaN, "total": 2}',
        '{"done": true, "total": 2}', '{"done": 1e400, "total": 2}', "\0\xff", "[" * 100_000,
    ],
)  # fmt: skip
def test_progress_that_says_nothing_is_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "progress.json").write_text(text, encoding="latin-1")
    assert progress_of(tmp_path, {}) is None


def test_what_an_evaluation_keeps_is_read_back(tmp_path: Path) -> None:
    told = {
        "phase": "evaluate", "done": 6, "total": 24, "seconds_left": None, "not_ok": 2, "lost": 1,
        "tokens_per_second": 40.0, "suites": {"gsm8k": {"done": 6, "total": 20}, "odd": 3},
    }  # fmt: skip
    write_json(tmp_path / "progress.json", told)
    found = progress_of(tmp_path, {})
    assert isinstance(found, Progress)
    assert (found.done, found.total, found.left, found.rate) == (6, 24, None, 40.0)
    assert (found.not_ok, found.lost) == (2, 1)
    assert found.suites == {"gsm8k": (6, 20), "odd": (0, 0)}

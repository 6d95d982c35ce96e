"""A real `mlflow server`: the same as a file, and whole again after it was down, slow or shut."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli.machine import sync_run
from harness.storage.result import read_result
from harness.tracking.store import tracked_results
from tests.harness.tracking.serving import Door, Served
from tests.harness.tracking.stores import models, runs, stored

ROOT = Path(__file__).resolve().parents[3]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    # MLflow 3.17 itself uses what SQLAlchemy 2.1 and others have deprecated.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]


def test_a_server_holds_what_a_file_holds_and_a_second_sync_adds_nothing(
    run: Path, server: Served, tmp_path: Path
) -> None:
    file = f"sqlite:///{tmp_path}/store.db"
    first, local = sync_run(run, server.uri, "same"), sync_run(run, file, "same")
    assert (first.failed, first.points, first.files) == ("", local.points, local.files)
    held = stored(server.uri, "same")
    assert held == stored(file, "same")

    again = sync_run(run, server.uri, "same")

    assert again == replace(first, sent=0)
    assert stored(server.uri, "same") == held
    assert tracked_results("mlflow:same", server.uri) == [read_result(run)]


def test_a_slow_server_holds_everything(run: Path, door: Door) -> None:
    door.delay = 0.05
    assert sync_run(run, door.uri, "slow").failed == ""
    assert door.passed > 20
    assert len(models(door.upstream, "slow")) == 4


@pytest.mark.parametrize("requests", [1, 9, 17, 30, 60])
def test_a_server_that_dies_in_the_middle_holds_everything_once_after_the_next_sync(
    run: Path, door: Door, tmp_path: Path, requests: int
) -> None:
    file, name = f"sqlite:///{tmp_path}/store.db", f"dies-{requests}"
    whole = sync_run(run, file, name)
    door.closes_after = requests

    cut = sync_run(run, door.uri, name)
    assert cut.failed
    door.opens()
    mended = sync_run(run, door.uri, name)

    assert (mended.failed, mended.points, mended.runs) == ("", whole.points, whole.runs)
    assert stored(door.upstream, name) == stored(file, name)
    assert len(models(door.upstream, name)) == 4
    assert {one.info.status for one in runs(door.upstream, name).values()} == {"FINISHED"}


def test_a_server_that_answers_no_more_is_given_up(
    run: Path, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    door.closes_after, door.hangs = 12, True
    assert sync_run(run, door.uri, "hangs").failed


def test_a_client_that_is_killed_in_the_middle_leaves_nothing_that_the_next_sync_does_not_finish(
    run: Path, door: Door, tmp_path: Path
) -> None:
    program = (
        "import sys; from pathlib import Path; from harness.cli.machine import sync_run\n"
        "sync_run(Path(sys.argv[1]), sys.argv[2], 'killed')"
    )
    door.closes_after, door.hangs = 10, True  # within the files of the parent
    door.on_close = lambda: os.kill(process.pid, signal.SIGKILL)
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", program, str(run), door.uri],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.wait() == -signal.SIGKILL
    found = runs(door.upstream, "killed").values()
    assert "RUNNING" in {one.info.status for one in found}

    mended = sync_run(run, door.upstream, "killed")

    assert mended.failed == ""
    file = f"sqlite:///{tmp_path}/store.db"
    sync_run(run, file, "killed")
    assert stored(door.upstream, "killed") == stored(file, "killed")
    assert len(models(door.upstream, "killed")) == 4
    found = runs(door.upstream, "killed").values()
    assert {one.info.status for one in found} == {"FINISHED"}


def test_a_server_that_is_killed_and_started_again_goes_on(run: Path, server: Served) -> None:
    first = sync_run(run, server.uri, "again")
    assert first.failed == ""
    held = stored(server.uri, "again")
    server.kill()
    assert "refused" in sync_run(run, server.uri, "again").failed
    server.again()
    assert sync_run(run, server.uri, "again") == replace(first, sent=0)
    assert stored(server.uri, "again") == held

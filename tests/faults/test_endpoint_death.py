"""An endpoint that dies: at the start the user can mend it, in the middle the run has failed."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.engines.options import EngineChoice
from harness.evaluate.client.job import EvalJob
from harness.storage.atomic_files import write_json

from . import endpoint
from .commands import PATIENCE_S, ROOT, Command, until

SAMPLES = 60
#: Less than a command has: nobody waits for the test's server to come back.
PATIENCE = {"down_s": "0.3", "backoff_s": "0.05"}


class Stage(Command):
    """An evaluation's stage alone, started as a cluster starts it."""

    @property
    def line(self) -> list[str]:
        return [sys.executable, "-m", "harness.stage", "evaluate", *self.arguments]


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def stage(port: int, tmp_path: Path) -> Stage:
    url = f"http://127.0.0.1:{port}/v1"
    job = EvalJob(
        models={"it": endpoint.NAME},
        fingerprints={"it": "weights"},
        suites={"arithmetic": SAMPLES},
        engine=EngineChoice(name="openai", base_url=url, concurrency=2, options=PATIENCE),
        run=tmp_path / "runs" / "remote",
        journal=tmp_path / "runs" / "journal.sqlite",
    )
    described = {"kind": "evaluate", "key": "k", "job": job.model_dump(mode="json")}
    resolved = job.run / "eval" / "resolved.json"
    write_json(resolved, described)
    return Stage(tmp_path, [str(resolved)])


@contextmanager
def server(port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """The endpoint as a process, once it listens; killed at the end if not before."""
    line = [sys.executable, endpoint.__file__, str(port)]
    process = subprocess.Popen(line, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        assert until(lambda: listens(port) or process.poll() is not None)
        yield process
    finally:
        process.kill()
        process.wait()


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def test_killed_in_the_middle_the_run_fails_and_the_same_command_goes_on(
    stage: Stage, port: int
) -> None:
    with server(port) as serving:
        run = subprocess.Popen(
            stage.line, cwd=stage.folder, env=stage.settings, stderr=subprocess.PIPE, text=True
        )
        assert until(lambda: stage.entries() > 3 or run.poll() is not None)
        serving.kill()
        _, said = run.communicate(timeout=PATIENCE_S)
    kept = stage.bodies()
    with server(port):
        again = stage.run()

    assert run.returncode == 1, said
    assert said.startswith("the engine died and does not start again: ")
    assert "start the server" in said
    assert "answers so far are kept: run the same command again\n" in said
    assert 3 < len(kept) < SAMPLES
    assert again.returncode == 0, again.stderr
    assert kept.items() <= stage.bodies().items()
    assert stage.entries() == SAMPLES
    assert stage.left() == []


def test_absent_at_the_start_it_is_for_the_user_to_mend(port: int, tmp_path: Path) -> None:
    where = ["--engine", "openai", "--base-url", f"http://127.0.0.1:{port}/v1"]
    ask = ["eval", endpoint.NAME, "--suites", "arithmetic", "--limit", "4", "--tracking", "none"]
    told = Command(tmp_path, [*ask, *where]).run()

    assert told.returncode == 2
    assert "start the server, or correct the address" in told.stderr
    assert "answers so far" not in told.stderr
    assert len(told.stderr.strip().splitlines()) == 1

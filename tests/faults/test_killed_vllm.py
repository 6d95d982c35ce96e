"""SIGKILL and SIGSTOP in the middle of real evaluations on vLLM: to command, stage and engine.

Nothing in the journal is lost or asked again, nobody is left behind, and an engine that dies or
hangs is started again a bounded number of times.
"""

import json
import os
import random
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.engines.vllm import _installed
from harness.storage.result import read_result

from .commands import (
    PATIENCE_S,
    Command,
    below,
    command_of,
    counts,
    kill,
    parents,
    until,
)

SAMPLES = 16
RECIPE = {
    "name": "killed",
    "evaluate": {
        "suites": ["arithmetic"],
        "limit": SAMPLES,
        "engine": {"name": "vllm", "concurrency": 2, "max_model_len": 512},
    },
}
#: An engine's death is noticed in this time; the start of the next one takes longer.
NOTICED_S = 30.0

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3000),
    pytest.mark.skipif(_installed() is None, reason="vLLM is not installed"),
]


@pytest.fixture
def command(smollm2: Path, tmp_path: Path) -> Command:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump({**RECIPE, "base": str(smollm2)}), encoding="utf-8")
    return Command(tmp_path / "killed", ["run", str(recipe), "--tracking", "none"])


def core(command: Command) -> int | None:
    """The pid of vLLM's engine core below the command's stage."""
    stage = command.stage()
    for pid in below(stage) - {stage} if stage else ():
        if "EngineCore" in command_of(pid):
            return pid
    return None


def wait_for(entries: int, command: Command, process: "subprocess.Popen[Any]") -> None:
    """Until so many answers are journalled, or the command has ended."""
    assert until(lambda: command.entries() >= entries or process.poll() is not None)


def answers(run: Path) -> dict[str, str]:
    """Sample -> the model's text, from the run's sample log."""
    (log,) = run.glob("runs/*/eval/base/arithmetic.jsonl")
    lines = map(json.loads, log.read_text(encoding="utf-8").splitlines())
    return {line["sample_id"]: line["turns"][0]["answers"][0]["text"] for line in lines}


def test_killed_three_times_what_was_journalled_is_reused_byte_for_byte(
    command: Command, tmp_path: Path
) -> None:
    rng = random.Random(0)
    kept: dict[str, bytes] = {}
    for stage in (False, True, False):
        process = command.start()
        wait_for(len(kept) + rng.randint(2, 4), command, process)
        running = below(process.pid)
        assert core(command) in running
        kill(process, command.stage() if stage else None)
        assert command.left(running) == []
        found = command.bodies()
        assert kept.items() <= found.items()
        assert len(kept) < len(found) < SAMPLES
        kept = found

    again = command.run()
    whole = replace(command, folder=tmp_path / "whole")
    assert whole.run().returncode == 0

    assert again.returncode == 0, again.stderr
    assert counts(again.stdout) == (SAMPLES - len(kept), len(kept))
    assert kept.items() <= command.bodies().items()
    (folder,) = (command.folder / "runs").glob("killed-*")
    (base,) = read_result(folder).checkpoints
    assert len(base.suites["arithmetic"].samples) == SAMPLES
    ours, undisturbed = answers(command.folder), answers(whole.folder)
    changed = [name for name in undisturbed if ours[name] != undisturbed[name]]
    print(f"{len(kept)} answers kept at the last kill; {len(changed)} of {SAMPLES} changed")


class Heard:
    """The lines that a command prints, as they come."""

    def __init__(self, command: Command) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            command.line,
            cwd=command.folder,
            env={**command.settings, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            self.lines += output  # one after the other, until it ends

    def times(self, text: str) -> int:
        return sum(text in line for line in self.lines)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()


@pytest.fixture
def heard(command: Command) -> Iterator[Heard]:
    command.folder.mkdir()
    found = Heard(command)
    yield found
    found.close()


def test_a_killed_engine_is_noticed_and_started_again_until_it_dies_too_often(
    command: Command, heard: Heard
) -> None:
    for death in (1, 2, 3):
        wait_for(command.entries() + 2, command, heard.process)
        pid = core(command)
        assert pid is not None, heard.lines

        os.kill(pid, signal.SIGKILL)

        if death < 3:
            assert until(lambda n=death: heard.times("starting vllm") == n + 1, NOTICED_S)
    heard.process.wait(60)
    kept = command.bodies()
    again = command.run()

    assert heard.process.returncode == 1
    assert heard.times("the engine died 3 times") == 1
    assert heard.times("Traceback") == 0
    assert command.left() == []
    assert 6 <= len(kept) < SAMPLES
    assert again.returncode == 0, again.stderr
    assert counts(again.stdout) == (SAMPLES - len(kept), len(kept))
    assert kept.items() <= command.bodies().items()


def test_an_engine_that_hangs_is_killed_and_started_again(command: Command) -> None:
    patience = ["--set", "evaluate.engine.options={hung_s: 20}"]
    command = replace(command, arguments=[*command.arguments, *patience])
    command.folder.mkdir()
    heard = Heard(command)
    try:
        wait_for(2, command, heard.process)
        stopped = core(command)
        assert stopped is not None, heard.lines
        its_own = below(stopped)
        kept = command.bodies()

        os.kill(stopped, signal.SIGSTOP)

        assert until(lambda: heard.times("starting vllm") == 2)
        assert not its_own & parents().keys()
        heard.process.wait(PATIENCE_S)
    finally:
        heard.close()

    assert heard.process.returncode == 0, heard.lines
    assert heard.times("no sign of life for 20 s") == 1
    assert heard.times("starting vllm") == 2
    assert counts("".join(heard.lines)) == (SAMPLES, 0)
    assert kept.items() <= command.bodies().items()
    assert command.left(its_own) == []

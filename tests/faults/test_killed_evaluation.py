"""SIGKILL at random moments of an evaluation, to the command or to its stage.

Whatever was killed, the same command run again ends with the bytes of an undisturbed run, asks
once more only what was in flight, and leaves no process behind.
"""

import random
import subprocess
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import yaml

from .commands import Command, below, counts, kill, until
from .endpoint import NAME, Endpoint

SUITES = ("arithmetic", "gsm8k", "svamp")
#: Samples of a suite.
LIMIT = 40
#: What `nca eval` keeps in flight.
WIDTH = 64


@dataclass(frozen=True)
class Moment:
    """When a run is killed, and what of it: the command, or its stage.

    Either `after_s` its start, or `pause_s` after `answers` more than there were are journalled.
    """

    stage: bool
    after_s: float | None = None
    answers: int = 0
    pause_s: float = 0.0


def moments(seed: int, number: int, whole_s: float, answers: int) -> list[Moment]:
    """Random ones: a third at any time of a run (much of it is imports), the others at work."""
    rng = random.Random(seed)
    found = []
    for k in range(number):
        stage = bool(k % 2)
        if rng.random() < 1 / 3:
            found.append(Moment(stage, after_s=rng.uniform(0, whole_s)))
        else:
            asked, pause_s = rng.randint(0, answers), rng.uniform(0, 0.05)
            found.append(Moment(stage, answers=asked, pause_s=pause_s))
    return found


def kill_at(
    moment: Moment, command: Command, process: "subprocess.Popen[bytes]"
) -> frozenset[int] | None:
    """Wait for the moment and kill; what ran then, or None where the run ended before."""
    before, started = command.entries(), time.monotonic()

    def due() -> bool:
        if process.poll() is not None:
            return True
        if moment.after_s is not None:
            return time.monotonic() - started > moment.after_s
        return command.stage() is not None and command.entries() >= before + moment.answers

    assert until(due)
    time.sleep(moment.pause_s)
    stage, tree = command.stage(), below(process.pid)
    kill(process, stage if moment.stage else None)
    return None if process.returncode == 0 else tree


@dataclass
class Series:
    """Runs of one command, killed one after the other; a run that ends makes room for the next.

    `whole` is what an undisturbed run leaves, `answers` how many it asks.
    """

    command: Command
    whole: dict[str, bytes]
    answers: int
    ended: int = 0
    kept: list[int] = field(default_factory=list)

    @property
    def current(self) -> Command:
        """The run in hand."""
        return replace(self.command, folder=self.command.folder / f"run{self.ended}")

    def attempt(self, moment: Moment) -> None:
        """Start the run in hand and kill it."""
        run = self.current
        process = run.start()
        try:
            tree = kill_at(moment, run, process)
        finally:
            process.kill()
            process.wait()
        assert process.returncode in (0, 1, -9)  # 1: it says that its stage was killed
        assert run.left(tree or frozenset()) == []
        if tree is None:
            self.check(run)
        else:
            self.kept.append(run.entries())

    def finish(self) -> None:
        """Run the run in hand to its end; it asks nothing that the journal has."""
        run = self.current
        kept = run.entries()
        done = run.run()
        assert done.returncode == 0, done.stderr
        if "done already" not in done.stdout:
            assert counts(done.stdout) == (self.answers - kept, kept)
        self.check(run)

    def check(self, run: Command) -> None:
        """It left what an undisturbed one leaves, and nobody."""
        assert run.left() == []
        assert run.entries() == self.answers
        assert run.outputs() == self.whole
        self.ended += 1


def survive(command: Command, folder: Path, kills: int, seed: int, spread: int) -> Series:
    """An undisturbed run, then a series of killed ones; checked all along."""
    began = time.monotonic()
    undisturbed = replace(command, folder=folder / "whole")
    done = undisturbed.run()
    whole_s = time.monotonic() - began
    assert done.returncode == 0, done.stderr
    asked, reused = counts(done.stdout)
    assert reused == 0
    series = Series(replace(command, folder=folder), undisturbed.outputs(), asked)
    for moment in moments(seed, 10 * kills, whole_s, spread):
        if len(series.kept) < kills:
            series.attempt(moment)
    assert len(series.kept) == kills
    series.finish()
    print(f"{kills} kills, {series.ended} runs; answers kept at each kill: {series.kept}")
    return series


@pytest.mark.parametrize(
    "kills", [3, pytest.param(25, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])]
)
def test_killed_at_random_moments_it_asks_again_only_what_was_in_flight(
    data_dir: Path, tmp_path: Path, kills: int
) -> None:
    with Endpoint(delay_s=0.1).serving() as endpoint:
        ask = ["--suites", ",".join(SUITES), "--limit", str(LIMIT), "--data-dir", str(data_dir)]
        where = ["--engine", "openai", "--base-url", endpoint.url, "--tracking", "none"]
        command = Command(tmp_path, ["eval", NAME, *ask, *where])
        series = survive(command, tmp_path, kills, seed=6, spread=LIMIT)
        asked = sum(endpoint.asked.values())
    needed = series.answers * (1 + series.ended)
    print(f"{asked} requests for {needed} answers")
    assert any(0 < kept < series.answers for kept in series.kept)
    assert needed <= asked <= needed + WIDTH * kills


RECIPE = {
    "name": "killed",
    "evaluate": {
        "suites": ["arithmetic", "gsm8k", "humaneval"],
        "limit": {"arithmetic": 40, "gsm8k": 40, "humaneval": 12},
        "engine": {"name": "fake", "concurrency": 4, "options": {"delay_s": 0.05}},
    },
}


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_killed_25_times_on_the_deterministic_engine_with_programs_in_the_sandbox(
    tiny_model: Path, data_dir: Path, tmp_path: Path
) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump({**RECIPE, "base": str(tiny_model)}), encoding="utf-8")
    where = ["--data-dir", str(data_dir), "--tracking", "none"]
    command = Command(tmp_path, ["run", str(recipe), *where])
    series = survive(command, tmp_path, 25, seed=7, spread=30)
    assert any(0 < kept < series.answers for kept in series.kept)
    first = replace(command, folder=tmp_path / "run0")
    assert first.entries("check") == 12  # programs ran in the sandbox

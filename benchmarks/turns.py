"""Several programs measured in turn, each in a process of its own that waits while others run.

A contestant works in blocks. It says when it is ready for the first one. Before a block it waits
for a line on its standard input, after it it reports the CPU-seconds that the block took and the
most memory it has held so far. The first block warms up and is not counted.
"""

import json
import os
import random
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TextIO


class Stops(Protocol):
    """What a contestant calls around every step."""

    def begin(self) -> None:
        """Before a step."""

    def end(self) -> None:
        """After it."""


class Gate:
    """A contestant's side: call `begin` before and `end` after every step.

    Args:
        blocks: steps of each block.
        report: file descriptor that reports go to.
    """

    def __init__(self, blocks: Sequence[int], report: int) -> None:
        self._left = list(blocks)
        self._ready = False
        self._done = 0
        self._began = 0.0
        self._report = os.fdopen(report, "w")

    def begin(self) -> None:
        """Wait for one's turn, at the start of a block."""
        if not self._ready:
            self._ready = True
            self._tell("ready")
        if self._done == 0:
            sys.stdin.readline()
            self._began = cpu_seconds()

    def end(self) -> None:
        """Report, at the end of a block."""
        self._done += 1
        if self._left and self._done == self._left[0]:
            spent = cpu_seconds() - self._began
            self._tell({"cpu": spent / self._left.pop(0), "peak": peak_bytes()})
            self._done = 0

    def _tell(self, value: Any) -> None:
        print(json.dumps(value), file=self._report, flush=True)


def cpu_seconds() -> float:
    """User and system time of this process and all its threads."""
    times = os.times()
    return times.user + times.system


def peak_bytes() -> int:
    """The most memory that this process has held (of its own: not what it inherited)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


@dataclass(frozen=True, slots=True)
class Blocks:
    """What a contestant reported: CPU-seconds a step of each counted block, peak bytes."""

    cpu: tuple[float, ...]
    peak: int


def in_turn(
    commands: Mapping[str, Sequence[str]], blocks: int, logs: Path, told: Callable[[str], None]
) -> dict[str, Blocks]:
    """Start all contestants one after the other, then let each run a block in turn.

    Args:
        commands: name to command; `--report FD` is appended.
        blocks: counted blocks; one more is run before them.
        logs: folder for what contestants print.
        told: hears one line a round.

    Raises:
        RuntimeError: a contestant ended early; the message names its log.
    """
    started: dict[str, _Started] = {}
    reports: dict[str, list[dict[str, Any]]] = {name: [] for name in commands}
    try:
        for name, command in commands.items():
            started[name] = _start(command, logs / f"{name}.log")
            started[name].hear()
        for block in range(blocks + 1):
            for name, contestant in started.items():
                print("go", file=contestant.process.stdin, flush=True)
                reports[name].append(contestant.hear())
            shown = ", ".join(f"{name} {rows[-1]['cpu']:.2f}" for name, rows in reports.items())
            told(f"round {block} of {blocks}{' (not counted)' if not block else ''}: {shown}")
    finally:
        for contestant in started.values():
            contestant.process.kill()
            contestant.process.wait()
    return {
        name: Blocks(tuple(row["cpu"] for row in rows[1:]), rows[-1]["peak"])
        for name, rows in reports.items()
    }


@dataclass(frozen=True, slots=True)
class _Started:
    process: subprocess.Popen[str]
    reports: TextIO
    log: Path

    def hear(self) -> Any:
        """The next report."""
        line = self.reports.readline()
        if not line:
            raise RuntimeError(f"a contestant ended early: see {self.log}")
        return json.loads(line)


def _start(command: Sequence[str], log: Path) -> _Started:
    reader, writer = os.pipe()
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, "--report", str(writer)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            pass_fds=(writer,),
            text=True,
        )
    os.close(writer)
    return _Started(process, os.fdopen(reader), log)


def ratios(other: Blocks, own: Blocks) -> list[float]:
    """How many times as long the other took, block by block."""
    return [theirs / ours for theirs, ours in zip(other.cpu, own.cpu, strict=True)]


def interval(values: Sequence[float], seed: int = 0, draws: int = 10_000) -> tuple[float, float]:
    """95 % bootstrap interval of the median (percentile method, seeded)."""
    rng = random.Random(seed)
    medians = sorted(statistics.median(rng.choices(values, k=len(values))) for _ in range(draws))
    return medians[int(0.025 * draws)], medians[int(0.975 * draws)]

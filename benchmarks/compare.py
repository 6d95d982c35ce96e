"""`make bench-compare`: how long `nca compare` takes over 8 runs x 10 suites x 1,000 samples.

A run is one checkpoint's result file, made up with a seed: six suites are right or wrong, two
graded, one rated, one without bounds. Timed is the command itself, from its start to its end.
"""

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from math import inf
from pathlib import Path

from harness.storage.result import CheckpointResult, Result, SampleResult, SuiteResult

Draw = Callable[[random.Random, float], float]


def _right(rng: random.Random, skill: float) -> float:
    return float(rng.random() < skill)


def _graded(rng: random.Random, skill: float) -> float:
    return rng.betavariate(4 * skill, 4 * (1 - skill))


def _rated(rng: random.Random, skill: float) -> float:
    return min(10.0, max(1.0, rng.gauss(10 * skill, 2)))


def _nats(rng: random.Random, skill: float) -> float:
    return rng.gauss(skill, 1)


_KINDS: tuple[tuple[Draw, tuple[float, float], int], ...] = (
    (_right, (0.0, 1.0), 6),
    (_graded, (0.0, 1.0), 2),
    (_rated, (1.0, 10.0), 1),
    (_nats, (-inf, inf), 1),
)


def suite(number: int, draw: Draw, bounds: tuple[float, float], skill: float) -> SuiteResult:
    """A made-up suite result of 1,000 samples."""
    rng = random.Random(f"{number} {skill}")
    values = [draw(rng, skill) for _ in range(1_000)]
    return SuiteResult(
        suite=f"suite{number}",
        headline="accuracy",
        metrics={"accuracy": sum(values) / len(values)},
        statuses={"ok": len(values)},
        samples=tuple(
            SampleResult(id=str(i), value=value, status="ok", metrics={"accuracy": value})
            for i, value in enumerate(values)
        ),
        protocol={"suite": f"suite{number} 1", "engine": "made up"},
        bounds=bounds,
    )


def run(number: int) -> Result:
    """A made-up run of one checkpoint."""
    kinds = [(draw, bounds) for draw, bounds, count in _KINDS for _ in range(count)]
    suites = [suite(i, *kind, 0.4 + 0.02 * number) for i, kind in enumerate(kinds)]
    checkpoint = CheckpointResult(
        name=f"model{number}", fingerprint=str(number), suites={s.suite: s for s in suites}
    )
    return Result(
        recipe="bench",
        key=str(number),
        base="none",
        baseline="model0",
        checkpoints=(checkpoint,),
    )


def main() -> None:
    """Make the runs up, compare them, say how long it took."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    rounds = options.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{number}.json" for number in range(8)]
        for number, file in enumerate(files):
            file.write_text(run(number).model_dump_json(), encoding="utf-8")
        command = [sys.executable, "-m", "harness.cli.main", "compare", *map(str, files)]
        for _ in range(rounds):
            began, before = time.perf_counter(), _cpu()
            subprocess.run([*command, "--format", "markdown"], check=True, capture_output=True)
            print(f"{time.perf_counter() - began:.1f} s, {_cpu() - before:.1f} CPU-seconds")


def _cpu() -> float:
    """User and system time of the processes that have ended, seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()

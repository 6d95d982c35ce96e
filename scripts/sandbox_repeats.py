"""`make sandbox-repeats`: every reference solution again and again; any difference is a fault.

HumanEval's 164 with many workers on whatever cores there are, some programs that need 0.8 of 3
CPU-seconds among as many workers, and HumanEval+'s 164 on all inputs once.
"""

import argparse
import asyncio
import gzip
import json
import sys
import time
from collections import Counter
from pathlib import Path

from eval_suites import registry
from eval_suites.requests import Answer
from eval_suites.sandbox.checks import Limits, Program
from eval_suites.sandbox.runner import Sandbox

_BUSY = "import time\ndef f(x):\n    while time.process_time() < 0.8: pass\n    return x + 1\n"
_CHECK = "def check(f):\n    assert f(1) == 2\n"


async def verdicts(programs: dict[str, Program], workers: int) -> Counter[str]:
    """Count the programs by verdict; those that did not pass are printed."""
    async with Sandbox(workers=workers) as box:
        outcomes = await asyncio.gather(*map(box.run, programs.values()))
    for name, outcome in zip(programs, outcomes, strict=True):
        if outcome.verdict != "pass":
            print(f"  {name}: {outcome.verdict} {outcome.reason} {outcome.failing}")
    return Counter(outcome.verdict for outcome in outcomes)


def human_eval(folder: Path) -> dict[str, Program]:
    """The canonical solutions, as answers to the suite."""
    suite = registry.find("humaneval")
    with gzip.open(folder / "humaneval" / "HumanEval.jsonl.gz", "rt", encoding="utf-8") as file:
        solutions = [json.loads(line)["canonical_solution"] for line in file]
    pairs = zip(suite.load(folder), solutions, strict=True)
    return {s.id: suite.checks(s, (Answer(s.prompt + text),))[0] for s, text in pairs}


def human_eval_plus(folder: Path) -> dict[str, Program]:
    """The reference solutions on base and plus inputs."""
    suite = registry.find("humaneval_plus")
    return {
        f"{s.id} {number}": check
        for s in suite.load(folder)
        for number, check in enumerate(suite.checks(s, (Answer(s.prompt + s.solution),)))
    }


def main() -> None:
    """Run and count; exit code 1 where anything did not pass."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=20)
    options = parser.parse_args()
    busy = Program(_BUSY, "f", _CHECK, Limits(cpu_s=3.0, wall_s=60.0))
    rounds = [
        (f"HumanEval, repeat {n + 1}", human_eval(options.data_dir)) for n in range(options.repeats)
    ]
    rounds.append(("0.8 of 3 CPU-seconds", {f"busy {n}": busy for n in range(50)}))
    rounds.append(("HumanEval+, all inputs", human_eval_plus(options.data_dir)))
    wrong = 0
    for name, programs in rounds:
        began = time.monotonic()
        counts = asyncio.run(verdicts(programs, options.workers))
        wrong += len(programs) - counts["pass"]
        spent = time.monotonic() - began
        print(f"{name}: {counts['pass']} of {len(programs)} pass, {spent:.1f} s", flush=True)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()

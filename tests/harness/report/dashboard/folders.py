"""Folders as runs leave them, and real stages in processes of their own."""

import subprocess
import sys
from pathlib import Path
from typing import IO

from harness.storage.atomic_files import write_json, write_text
from harness.storage.result import CheckpointResult, Result, SampleResult, SuiteResult

PROTOCOL = {"suite": "gsm8k 1", "prompts": "aaaa", "template": "bbbb", "decoding": "greedy"}
PAGE = '<!doctype html><head><meta name="generator" content="nca"></head><p>a report</p>'

#: A stage whose progress comes on its standard input; it is done where that ends.
WORK = """
import sys
from pathlib import Path
from harness.pipeline import worker
from harness.progress.events import silent
from harness.progress import progress_file

progress_file.EVERY_S = 0.0

def work(job, report):
    print("at work", flush=True)
    for line in sys.stdin:
        report({"event": "progress", "phase": "train", "done": int(line), "total": 8})
        print(line, end="", flush=True)
    return True

worker.KINDS = {"work": work}
worker.run_stage("work", Path(sys.argv[1]), silent)
"""


def suite_result(name: str, values: list[float | None], **protocol: str) -> SuiteResult:
    """A suite with a sample for each value."""
    samples = tuple(
        SampleResult(id=str(i), value=value, status="ok" if value is not None else "infra")
        for i, value in enumerate(values)
    )
    return SuiteResult(
        suite=name,
        headline="accuracy",
        metrics={},
        statuses={},
        samples=samples,
        protocol={**PROTOCOL, **protocol},
    )


def result(rows: dict[str, dict[str, SuiteResult]], recipe: str = "demo") -> Result:
    """A result of these checkpoints; the first is the baseline."""
    checkpoints = tuple(
        CheckpointResult(name=name, fingerprint=name, suites=suites)
        for name, suites in rows.items()
    )
    return Result(
        recipe=recipe, key="k", base="b", baseline=next(iter(rows)), checkpoints=checkpoints
    )


def scored(values: dict[str, float], suite: str = "gsm8k", **protocol: str) -> Result:
    """A result of checkpoints that have so many right of 100."""
    return result(
        {
            name: {suite: suite_result(suite, [1.0] * int(n) + [0.0] * int(100 - n), **protocol)}
            for name, n in values.items()
        }
    )


def save(file: Path, found: Result) -> Path:
    """Write a result file."""
    write_text(file, found.model_dump_json(indent=1))
    return file


def recipe(run: Path, *checkpoints: str, suites: tuple[str, ...] = ("gsm8k",)) -> Path:
    """Write what of a resolved recipe is looked at."""
    told = {
        "checkpoints": {name: {} for name in checkpoints},
        "sample": {},
        "evaluate": {"suites": list(suites)},
    }
    write_json(run / "recipe.resolved.yaml", told)  # JSON is YAML
    return run


class Stage:
    """A stage at work in a process of its own."""

    def __init__(self, folder: Path, key: str = "k") -> None:
        write_json(folder / "resolved.json", {"kind": "work", "key": key, "job": {}})
        log = (folder / "stage.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORK, str(folder / "resolved.json")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        log.close()
        self._line()

    def step(self, done: int) -> None:
        """Let it tell that so many of 8 steps are done."""
        self._pipe(self.process.stdin).write(f"{done}\n")
        self._pipe(self.process.stdin).flush()
        self._line()

    def end(self) -> None:
        """Let it come to its end."""
        self.process.communicate()
        assert self.process.returncode == 0

    def kill(self) -> None:
        """End it as nothing that runs can prevent."""
        self.process.kill()
        self.process.communicate()

    def _line(self) -> None:
        assert self._pipe(self.process.stdout).readline()

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe

"""The progress of a stage, from its progress file or from its training curve."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.progress.progress_file import FILE
from harness.report.dashboard.lenient_json import (
    last_lines,
    mapping,
    modified,
    number,
    parsed,
    read,
)

#: Steps whose mean duration predicts that of the others.
_STEPS = 5


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a stage.

    Attributes:
        phase: the phase, such as `train`, `probe`, `evaluate`.
        done: finished steps, prompts or samples.
        total: the number of all; None if unknown.
        left: seconds until the end; None if unknown.
        age: seconds since the progress was written.
        rate: tokens per second; None if none were generated.
        not_ok: samples that the model failed.
        lost: samples that we failed.
        suites: suite -> finished samples and all samples.
    """

    phase: str
    done: int
    total: int | None
    left: float | None
    age: float
    rate: float | None = None
    not_ok: int = 0
    lost: int = 0
    suites: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def progress_of(stage: Path, job: Mapping[str, Any]) -> Progress | None:
    """Return the progress of a stage, or None if it is unknown.

    Args:
        stage: the folder of the stage.
        job: the job in its resolved.json.
    """
    return _recorded(stage / FILE) or _curve(stage, job)


def _recorded(file: Path) -> Progress | None:
    record = read(file)
    done, total = number(record.get("done")), number(record.get("total"))
    if done is None or total is None:
        return None
    return Progress(
        phase=str(record.get("phase", "")),
        done=int(done),
        total=int(total),
        left=number(record.get("seconds_left")),
        age=_age(file),
        rate=number(record.get("tokens_per_second")),
        not_ok=int(number(record.get("not_ok")) or 0),
        lost=int(number(record.get("lost")) or 0),
        suites={
            str(name): _counts(counts) for name, counts in mapping(record.get("suites")).items()
        },
    )


def _curve(stage: Path, job: Mapping[str, Any]) -> Progress | None:
    """Return the progress of a training without a progress file, from its last step."""
    file = stage / "steps.jsonl"
    steps = [line for line in _rows(file, 2 * _STEPS) if line.get("split") == "train"]
    last = number(steps[-1].get("step")) if steps else None
    if last is None:
        return None
    done = int(last) + 1
    most = number(mapping(job.get("config")).get("max_steps"))
    total = None if most is None else int(most)
    rows = _rows(stage / "speed.jsonl", _STEPS)
    seconds = [duration for row in rows if (duration := number(row.get("seconds"))) is not None]
    left = None
    if total is not None and seconds:
        left = max(0, total - done) * sum(seconds) / len(seconds)
    return Progress("train", done, total, left, _age(file))


def _rows(path: Path, count: int) -> list[Mapping[str, Any]]:
    return [parsed(line) for line in last_lines(path, count)]


def _counts(value: Any) -> tuple[int, int]:
    counts = mapping(value)
    return int(number(counts.get("done")) or 0), int(number(counts.get("total")) or 0)


def _age(file: Path) -> float:
    """Return the seconds since a file was written; 0 if the clock was set back."""
    return max(0.0, time.time() - modified(file) / 1e9)

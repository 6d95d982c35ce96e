"""How far a stage is: from what it keeps of its progress, and of training from its curve."""

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

#: Steps whose mean duration says how long the others take.
_STEPS = 5


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage is.

    Attributes:
        phase: what it does, such as `train`, `probe`, `evaluate`.
        done: steps, prompts or samples.
        total: of how many; None where that is not known.
        left: seconds until it is done; None where that is not known.
        age: seconds since this was written.
        rate: tokens a second; None where none were generated.
        not_ok: samples that the model failed.
        lost: samples that we failed.
        suites: suite -> samples done, and of how many.
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
    """How far the stage in this folder is; None where nothing says so.

    Args:
        stage: its folder.
        job: what it was told, of its resolved.json.
    """
    return _kept(stage / FILE) or _curve(stage, job)


def _kept(file: Path) -> Progress | None:
    told = read(file)
    done, total = number(told.get("done")), number(told.get("total"))
    if done is None or total is None:
        return None
    return Progress(
        phase=str(told.get("phase", "")),
        done=int(done),
        total=int(total),
        left=number(told.get("seconds_left")),
        age=_age(file),
        rate=number(told.get("tokens_per_second")),
        not_ok=int(number(told.get("not_ok")) or 0),
        lost=int(number(told.get("lost")) or 0),
        suites={str(name): _counts(one) for name, one in mapping(told.get("suites")).items()},
    )


def _curve(stage: Path, job: Mapping[str, Any]) -> Progress | None:
    """Of a training that keeps no progress (an older version's): the last step of its curve."""
    file = stage / "steps.jsonl"
    steps = [line for line in _rows(file, 2 * _STEPS) if line.get("split") == "train"]
    last = number(steps[-1].get("step")) if steps else None
    if last is None:
        return None
    done = int(last) + 1
    most = number(mapping(job.get("config")).get("max_steps"))
    total = None if most is None else int(most)
    rows = _rows(stage / "speed.jsonl", _STEPS)
    seconds = [found for row in rows if (found := number(row.get("seconds"))) is not None]
    left = None
    if total is not None and seconds:
        left = max(0, total - done) * sum(seconds) / len(seconds)
    return Progress("train", done, total, left, _age(file))


def _rows(path: Path, count: int) -> list[Mapping[str, Any]]:
    return [parsed(line) for line in last_lines(path, count)]


def _counts(value: Any) -> tuple[int, int]:
    told = mapping(value)
    return int(number(told.get("done")) or 0), int(number(told.get("total")) or 0)


def _age(file: Path) -> float:
    """Seconds since a file was written; none where the clock was set back meanwhile."""
    return max(0.0, time.time() - modified(file) / 1e9)

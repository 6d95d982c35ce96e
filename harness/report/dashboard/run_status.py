"""The status of a run: the stage that works now, or the one that stopped early.

A stage works while its lock is held, which the kernel reports; so a killed run is recognised at
once, whatever it left on disk.
"""

import fcntl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from harness.progress.progress_file import FILE
from harness.report.dashboard.discovery import stages
from harness.report.dashboard.lenient_json import (
    count,
    last_lines,
    mapping,
    modified,
    number,
    parsed,
    read,
)
from harness.storage.run_folder import RunFolder

#: Seconds without a lock between two stages, while a run fingerprints, collects and draws.
BETWEEN_S = 30.0
#: Steps whose mean duration predicts that of the others.
_STEPS = 5
#: Most characters of a log's last line.
_MOST_TEXT = 300

State = Literal["working", "between", "stopped", "finished"]
Lock = Literal["held", "free", "unknown"]
StageState = Literal["working", "stopped", "done", "unknown"]
_STATES: dict[Lock, StageState] = {"held": "working", "free": "stopped", "unknown": "unknown"}


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a stage in its phase, such as `train`, `probe`, `evaluate`.

    Of `total` steps, prompts or samples `done` are finished; `left` is the time to the end in
    seconds; `total` and `left` are None if unknown. `rate` is in tokens per second, None if none
    were generated. `not_ok` counts samples that the model failed, `lost` those that we failed;
    `suites` has finished and all samples.
    """

    phase: str
    done: int
    total: int | None
    left: float | None
    rate: float | None = None
    not_ok: int = 0
    lost: int = 0
    suites: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage that has begun, named by its folder below the run, such as `train/nca`.

    The state is `stopped` if it ended early, and `unknown` if the lock cannot be read. `pid` and
    `host` are those of the current or last process, if the lock names it. `progress` is None if it
    is unknown or the stage is done; `message` is the last line of the log of a stopped stage.
    """

    name: str
    state: StageState
    pid: int | None = None
    host: str = ""
    progress: Progress | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class RunStatus:
    """The status of a run; one that is `between` two stages may have stopped a moment ago.

    `stage` is the one that works or stopped, else the last one; `done` has the names of finished
    stages; `quiet` is in seconds since the last write.
    """

    state: State
    stage: Stage | None
    done: tuple[str, ...]
    quiet: float

    @property
    def trained(self) -> int:
        """Return the number of trained checkpoints."""
        return sum(name.startswith("train/") for name in self.done)


def status_of(run: Path, written: int) -> RunStatus:
    """Return the status of a run that was last `written` in these nanoseconds since 1970."""
    states = [(folder, stage_of(run, folder)) for folder in sorted(stages(run), key=modified)]
    done = tuple(stage.name for _, stage in states if stage.state == "done")
    quiet = max(0.0, time.time() - written / 1e9)
    if working := [stage for _, stage in states if stage.state == "working"]:
        return RunStatus("working", working[-1], done, quiet)
    result = modified(RunFolder(run).result)
    # An evaluation that lost requests is not done, and its result is newer; a store may fail.
    broken = [
        stage for folder, stage in states if stage.state != "done" and modified(folder) > result
    ]
    if broken and not (result and broken[-1].name == "tracking"):
        return RunStatus("stopped", broken[-1], done, quiet)
    if result:
        return RunStatus("finished", None, done, quiet)
    last = states[-1][1] if states else None
    return RunStatus("between" if quiet < BETWEEN_S else "stopped", last, done, quiet)


def stage_of(run: Path, folder: Path) -> Stage:
    """Return the state of a stage; do not wait or keep a lock."""
    name = folder.relative_to(run).as_posix()
    lock = "free" if _is_done(folder) else lock_of(folder / "stage.lock")
    if lock == "free" and _is_done(folder):  # it may have come to its end between the two looks
        return Stage(name, "done")
    resolved = read(folder / "resolved.json")
    holder = parsed("".join(last_lines(folder / "stage.lock", 1)))
    pid = holder.get("pid")
    return Stage(
        name=name,
        state=_STATES[lock],
        pid=pid if isinstance(pid, int) else None,
        host=str(holder.get("host", "")),
        progress=progress_of(folder, mapping(resolved.get("job"))),
        message="" if lock == "held" else _last_log_line(folder),
    )


def lock_of(file: Path) -> Lock:
    """Test whether a process holds a lock, by sharing it for an instant (see `stage.locked`)."""
    try:
        with file.open("rb") as opened:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return "held"
    except FileNotFoundError:
        return "free"
    except OSError:
        return "unknown"
    return "free"


def _is_done(folder: Path) -> bool:
    """Return True if the latest job of the stage is done."""
    key = read(folder / "done.json").get("key")
    return key is not None and read(folder / "resolved.json").get("key", key) == key


def _last_log_line(folder: Path) -> str:
    """Return the last line of the log if it belongs to the last start of the stage."""
    log = folder / "stage.log"
    if modified(log) < modified(folder / "resolved.json"):
        return ""
    return "".join(last_lines(log, 1)).strip()[:_MOST_TEXT]


def progress_of(stage: Path, job: Mapping[str, Any]) -> Progress | None:
    """Return the progress of a stage, or None if it is unknown.

    Without a progress file, that of a training is the last step of its curve; `job` is that in its
    resolved.json.
    """
    record = read(stage / FILE)
    done, total = number(record.get("done")), number(record.get("total"))
    if done is None or total is None:
        return _curve(stage, job)
    suites = {str(suite): mapping(row) for suite, row in mapping(record.get("suites")).items()}
    return Progress(
        phase=str(record.get("phase", "")),
        done=int(done),
        total=int(total),
        left=number(record.get("seconds_left")),
        rate=number(record.get("tokens_per_second")),
        not_ok=count(record.get("not_ok")),
        lost=count(record.get("lost")),
        suites={s: (count(row.get("done")), count(row.get("total"))) for s, row in suites.items()},
    )


def _curve(stage: Path, job: Mapping[str, Any]) -> Progress | None:
    rows = _rows(stage / "steps.jsonl", 2 * _STEPS)
    steps = [row for row in rows if row.get("split") == "train"]
    last = number(steps[-1].get("step")) if steps else None
    if last is None:
        return None
    done, left = int(last) + 1, None
    most = number(mapping(job.get("config")).get("max_steps"))
    rows = _rows(stage / "speed.jsonl", _STEPS)
    seconds = [duration for row in rows if (duration := number(row.get("seconds"))) is not None]
    if most is not None and seconds:
        left = max(0, int(most) - done) * sum(seconds) / len(seconds)
    total = None if most is None else int(most)
    return Progress("train", done, total, left)


def _rows(path: Path, most: int) -> list[Mapping[str, Any]]:
    return [parsed(line) for line in last_lines(path, most)]

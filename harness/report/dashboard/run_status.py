"""What becomes of a run: which stage works now, and which one ended before it was done.

A stage works while the kernel says that its lock is held. So a run that was killed is told from
one that works at once, whatever it left on disk.
"""

import fcntl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.report.dashboard.discovery import stages
from harness.report.dashboard.lenient_json import last_lines, mapping, modified, parsed, read
from harness.report.dashboard.progress import Progress, progress_of
from harness.storage.run_folder import RunFolder

#: Between two stages a run fingerprints, collects and draws; nothing is locked meanwhile.
BETWEEN_S = 30.0
#: As much of a log's last line as is shown.
_SAID = 300

State = Literal["working", "between", "stopped", "finished"]
Lock = Literal["held", "free", "unknown"]
StageState = Literal["working", "stopped", "done", "unknown"]
_STATES: dict[Lock, StageState] = {"held": "working", "free": "stopped", "unknown": "unknown"}


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage that was begun.

    Attributes:
        name: its folder below the run, such as `train/nca`.
        state: `working`, `stopped` before it was done, `done`, or `unknown`: no lock to be read.
        pid: the process that works on it, or did last; None where the lock does not say.
        host: of that process.
        progress: how far it is, or came; None where nothing says so, and of one that is done.
        said: the last line of its log, of one that stopped.
    """

    name: str
    state: StageState
    pid: int | None = None
    host: str = ""
    progress: Progress | None = None
    said: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a run stands.

    Attributes:
        state: `working`; `between` two stages, or stopped a moment ago; `stopped`; `finished`.
        stage: the one that works or stopped; the last one where none does.
        done: names of the stages that are done.
        quiet: seconds since anything was last written.
    """

    state: State
    stage: Stage | None
    done: tuple[str, ...]
    quiet: float

    @property
    def trained(self) -> int:
        """Checkpoints that are trained."""
        return sum(name.startswith("train/") for name in self.done)


def standing_of(run: Path, written: int) -> Standing:
    """Where a run stands now.

    Args:
        run: its folder.
        written: when it was last worked on, nanoseconds since 1970.
    """
    found = [(folder, stage_of(run, folder)) for folder in sorted(stages(run), key=modified)]
    done = tuple(stage.name for _, stage in found if stage.state == "done")
    quiet = max(0.0, time.time() - written / 1e9)
    if working := [stage for _, stage in found if stage.state == "working"]:
        return Standing("working", working[-1], done, quiet)
    result = modified(RunFolder(run).result)
    # An evaluation that lost requests is not done, and its result is newer; a store may fail.
    broken = [
        stage for folder, stage in found if stage.state != "done" and modified(folder) > result
    ]
    if broken and not (result and broken[-1].name == "tracking"):
        return Standing("stopped", broken[-1], done, quiet)
    if result:
        return Standing("finished", None, done, quiet)
    last = found[-1][1] if found else None
    return Standing("between" if quiet < BETWEEN_S else "stopped", last, done, quiet)


def stage_of(run: Path, folder: Path) -> Stage:
    """A stage that was begun; nothing is waited for, and no lock stays held."""
    name = folder.relative_to(run).as_posix()
    if _is_done(folder):
        return Stage(name, "done")
    lock = lock_of(folder / "stage.lock")
    if lock == "free" and _is_done(folder):  # it came to its end between the two looks
        return Stage(name, "done")
    told = read(folder / "resolved.json")
    holder = parsed("".join(last_lines(folder / "stage.lock", 1)))
    pid = holder.get("pid")
    return Stage(
        name=name,
        state=_STATES[lock],
        pid=pid if isinstance(pid, int) else None,
        host=str(holder.get("host", "")),
        progress=progress_of(folder, mapping(told.get("job"))),
        said="" if lock == "held" else _said(folder),
    )


def lock_of(file: Path) -> Lock:
    """Whether a process holds a lock. It is shared for an instant, which `stage.locked` awaits."""
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
    """Whether what the stage was told last is done."""
    key = read(folder / "done.json").get("key")
    return key is not None and read(folder / "resolved.json").get("key", key) == key


def _said(folder: Path) -> str:
    """The last line of a stage's log, where it is of the stage's last start."""
    log = folder / "stage.log"
    if modified(log) < modified(folder / "resolved.json"):
        return ""
    return "".join(last_lines(log, 1)).strip()[:_SAID]

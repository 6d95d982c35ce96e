"""Watching over one case from outside: the clock, its memory, the leash, and what it leaves."""

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from . import kernel

#: Seconds between looks at the memory of a case.
_LOOK_S = 0.1
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
#: What a message may be longer than the output that a case may make.
_ROOM = 1 << 16


def watch(
    job: dict[str, Any],
    run: Callable[[], NoReturn],
    theirs: Sequence[int],
    leash: int,
    source: int | None = None,
) -> dict[str, Any]:
    """Fork the case and see it to its end.

    Args:
        job: its limits.
        run: what the forked process does.
        theirs: descriptors that only the case keeps.
        leash: at its end the case is killed.
        source: where the case says its message, if it has one to say.

    Returns:
        `what` ended it ("" itself, or "leash", "wall", "cpu", "memory"), its exit `status`, `cpu_s`
        with all its descendants, `idle_s` in which it neither ran nor waited for a processor (known
        for "wall"), and what it `said`.
    """
    if (case := os.fork()) == 0:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        run()
    for descriptor in theirs:
        os.close(descriptor)
    what, said = _until_its_end(job, case, leash, source)
    idle = _idle(case, job["wall_s"]) if what == "wall" else 0.0
    with contextlib.suppress(ProcessLookupError):
        os.kill(case, signal.SIGKILL)
    _, status, usage = os.wait4(case, 0)
    _kill_the_rest()
    return {
        "what": what,
        "status": os.waitstatus_to_exitcode(status),
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "idle_s": idle,
        "said": said.decode(errors="replace"),
    }


def _until_its_end(
    job: dict[str, Any], case: int, leash: int, source: int | None
) -> tuple[str, bytes]:
    ended = os.pidfd_open(case)
    poll = select.poll()
    for descriptor in (ended, leash, *((source,) if source is not None else ())):
        poll.register(descriptor, select.POLLIN)
    deadline, said = time.monotonic() + job["wall_s"], b""
    try:
        while (left := deadline - time.monotonic()) > 0:
            ready = {one for one, _ in poll.poll(1000 * min(left, _LOOK_S))}
            if source in ready:
                chunk = os.read(source, _ROOM)
                said = (said + chunk)[: job["output_bytes"] + _ROOM]
                if not chunk:
                    poll.unregister(source)
            elif ended in ready:
                return "", said
            elif leash in ready:
                return "leash", said
            elif not ready and (limit := _passed(job, case)):
                return limit, said
        return "wall", said
    finally:
        for descriptor in (ended, *((source,) if source is not None else ())):
            os.close(descriptor)


def _passed(job: dict[str, Any], case: int) -> str:
    """Which limit a case's processes have passed together; "" for none."""
    held, used = 0, 0.0
    for one in (case, *_descendants(case)):
        with contextlib.suppress(OSError):  # it may end while it is looked at
            held += int(Path(f"/proc/{one}/statm").read_text("ascii").split()[1]) * _PAGE
            fields = Path(f"/proc/{one}/stat").read_text("ascii", "replace").rpartition(")")[2]
            # Its own user and system time, and that of children that it has waited for.
            used += sum(map(int, fields.split()[11:15])) / _TICKS
    if used > job["cpu_s"]:
        return "cpu"
    return "memory" if held > job["memory_bytes"] else ""


def _descendants(process: int) -> Iterator[int]:
    for child in _children(process):
        yield child
        yield from _descendants(child)


def _children(process: int) -> list[int]:
    try:
        text = Path(f"/proc/{process}/task/{process}/children").read_text("ascii")
    except OSError:
        return []
    return [int(one) for one in text.split()]


def _kill_the_rest() -> None:
    """End what the case left behind: this process adopts orphans."""
    while remaining := _children(os.getpid()):
        for process in remaining:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)


def _idle(process: int, wall_s: float) -> float:
    """Seconds in which a process neither ran nor waited for a processor."""
    try:
        busy = sum(map(int, Path(f"/proc/{process}/schedstat").read_text("ascii").split()[:2]))
    except (OSError, ValueError):
        return 0.0
    return max(0.0, wall_s - busy / 1e9)

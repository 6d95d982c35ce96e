"""The watch over one case from outside: the clock, its memory, the leash, and its remains."""

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

from . import kernel

#: Seconds between looks at the memory of a case.
_LOOK_S = 0.1
_SELF = "thread-self"
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
#: The bytes that a message may be longer than the output of a case.
_ROOM = 1 << 16

Fork = Callable[[], int]


def watch(
    job: dict[str, Any],
    run: Callable[[], NoReturn],
    theirs: Sequence[int],
    leash: int,
    source: int,
    fork: Fork,
) -> dict[str, Any]:
    """Fork the case and see it to its end.

    Args:
        job: its limits.
        run: the work of the forked process.
        theirs: descriptors that only the case keeps.
        leash: at its end the case is killed.
        source: the descriptor of the case's message.
        fork: makes the process of the case.

    Returns:
        `ended_by` ("" for itself, or "leash", "wall", "cpu", "memory"), its exit `status`, `cpu_s`
        with all its descendants, `idle_s` in which it neither ran nor waited for a processor (only
        for "wall"), and its `message`.
    """
    if (case := fork()) == 0:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        run()
    for descriptor in theirs:
        os.close(descriptor)
    ended_by, message = _until_its_end(job, case, leash, source)
    idle = _idle(job["wall_s"]) if ended_by == "wall" else 0.0
    with contextlib.suppress(ProcessLookupError):
        os.kill(case, signal.SIGKILL)
    _, status, usage = os.wait4(case, 0)
    _kill_the_rest()
    return {
        "ended_by": ended_by,
        "status": os.waitstatus_to_exitcode(status),
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "idle_s": idle,
        "message": message.decode(errors="replace"),
    }


def _until_its_end(job: dict[str, Any], case: int, leash: int, source: int) -> tuple[str, bytes]:
    ended = os.pidfd_open(case)
    poll = select.poll()
    for descriptor in (ended, leash, source):
        poll.register(descriptor, select.POLLIN)
    deadline, message = time.monotonic() + job["wall_s"], b""
    try:
        while (left := deadline - time.monotonic()) > 0:
            ready = {descriptor for descriptor, _ in poll.poll(1000 * min(left, _LOOK_S))}
            if source in ready:
                chunk = os.read(source, _ROOM)
                message = (message + chunk)[: job["output_bytes"] + _ROOM]
                if not chunk:
                    poll.unregister(source)
            elif ended in ready:
                return "", message
            elif leash in ready:
                return "leash", message
            elif not ready and (limit := _passed(job)):
                return limit, message
        return "wall", message
    finally:
        os.close(ended)
        os.close(source)


def _passed(job: dict[str, Any]) -> str:
    """Return the limit that a case's processes have passed together; "" for none."""
    memory, cpu = 0, 0.0
    for process in _below(_SELF):
        with contextlib.suppress(OSError):  # it may end while it is looked at
            memory += int(kernel.read(f"/proc/{process}/statm").split()[1]) * _PAGE
            fields = kernel.read(f"/proc/{process}/stat").rpartition(b")")[2]
            # Its own user and system time, and that of children that it has waited for.
            cpu += sum(map(int, fields.split()[11:15])) / _TICKS
    if cpu > job["cpu_s"]:
        return "cpu"
    return "memory" if memory > job["memory_bytes"] else ""


def _below(process: str) -> Iterator[str]:
    """Yield a process's descendants, by the numbers that /proc shows here.

    In a pid namespace of its own this process itself goes by other ones.
    """
    for child in _children(process):
        yield child
        yield from _below(f"{child}/task/{child}")


def _children(process: str) -> list[str]:
    try:
        return kernel.read(f"/proc/{process}/children").decode().split()
    except OSError:
        return []


def _kill_the_rest() -> None:
    """End the processes that the case left behind: this one adopts orphans.

    There are none where the case was the first of a pid namespace: it took all with it.
    """
    while remaining := _children(_SELF):
        for process in map(int, remaining):
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)


def _idle(wall_s: float) -> float:
    """Return the seconds in which the case neither ran nor waited for a processor."""
    try:
        (case, *_) = _children(_SELF)
        busy = sum(map(int, kernel.read(f"/proc/{case}/schedstat").split()[:2]))
    except (OSError, ValueError):
        return 0.0
    return max(0.0, wall_s - busy / 1e9)

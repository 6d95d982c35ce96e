"""The watch over one case from outside: the clock, its memory, the leash, and its remains."""

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, NoReturn

from . import confine, kernel

#: Seconds between looks at the memory of a case.
_LOOK_S = 0.1
_SELF = "thread-self"
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
#: The bytes that a message may be longer than the output of a case.
_ROOM = 1 << 16


class Case(NamedTuple):
    """A job with all that is needed to run it.

    Attributes:
        job: source, arguments and limits.
        talk: the descriptor of its end of the channel to the other side; none for a call.
        leash: the descriptor at whose end the case is killed.
        fork: makes the process of the case.
    """

    job: dict[str, Any]
    talk: list[int]
    leash: int
    fork: Callable[[], int]


def watch(case: Case, run: Callable[[list[int], int], NoReturn]) -> dict[str, Any]:
    """Fork a case and see it to its end.

    Args:
        case: the case.
        run: the work of the forked process, given the new places of `talk` and of the descriptor
            for its message.

    Returns:
        `ended_by` ("" for itself, or "leash", "wall", "cpu", "memory"), its exit `status`, `cpu_s`
        with all its descendants, `idle_s` in which it neither ran nor waited for a processor (only
        for "wall"), and its `message`.
    """
    source, sink = os.pipe()
    if (process := case.fork()) == 0:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        *talk, sink = confine.quiet((*case.talk, sink))
        run(talk, sink)
    for descriptor in (sink, *case.talk):
        os.close(descriptor)
    ended_by, message = _until_its_end(case, process, source)
    idle = _idle(case.job["wall_s"]) if ended_by == "wall" else 0.0
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    _, status, usage = os.wait4(process, 0)
    # This process adopts what the case left behind: nothing where it was the first of a pid
    # namespace, for it took all with it.
    while remaining := _children(_SELF):
        for orphan in map(int, remaining):
            os.kill(orphan, signal.SIGKILL)
            os.waitpid(orphan, 0)
    return {
        "ended_by": ended_by,
        "status": os.waitstatus_to_exitcode(status),
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "idle_s": idle,
        "message": message.decode(errors="replace"),
    }


def _until_its_end(case: Case, process: int, source: int) -> tuple[str, bytes]:
    job, leash, ended = case.job, case.leash, os.pidfd_open(process)
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


def _idle(wall_s: float) -> float:
    """Return the seconds in which the case neither ran nor waited for a processor."""
    try:
        (case, *_) = _children(_SELF)
        busy = sum(map(int, kernel.read(f"/proc/{case}/schedstat").split()[:2]))
    except (OSError, ValueError):
        return 0.0
    return max(0.0, wall_s - busy / 1e9)

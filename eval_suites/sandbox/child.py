"""The two processes of one check: a supervisor, and the case that it forks and outlives.

Started by `runner.py` as a file under `python -I`, with the job on standard input: standard
library only, nothing of this project is importable here. The supervisor runs trusted code alone.
It holds the clock and the report, and as a subreaper it finds and kills whatever the case leaves
behind. When the harness dies, the kernel sends the supervisor SIGTERM and it does the same.
"""

import contextlib
import ctypes
import importlib
import json
import math
import os
import resource
import select
import shutil
import signal
import sys
import time
import types
from typing import Any, NoReturn

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
OPEN_FILES = 64
#: Counts every process of the user, so it must be high enough to leave honest programs alone.
PROCESSES = 4096
REASON_CHARS = 500


def prctl(option: int, value: int) -> None:
    """Set one attribute of this process; raises OSError when the kernel refuses."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) refused")


def die_with(parent: int, number: int) -> None:
    """Ask for signal `number` when `parent` dies; leave at once if it is gone already."""
    prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os._exit(1)


# The case: untrusted from here on.


def limit(job: dict[str, Any]) -> None:
    """Set the rlimits of this process. NPROC does not bind root, and a trusted call needs none."""
    cpu = max(1, math.ceil(job["cpu_s"]))
    bounds = {
        resource.RLIMIT_CPU: (cpu, cpu + 1),
        resource.RLIMIT_AS: (job["memory_bytes"], job["memory_bytes"]),
        resource.RLIMIT_FSIZE: (job["output_bytes"], job["output_bytes"]),
        resource.RLIMIT_NOFILE: (OPEN_FILES, OPEN_FILES),
        resource.RLIMIT_CORE: (0, 0),
    }
    if job["kind"] == "program":
        bounds[resource.RLIMIT_NPROC] = (PROCESSES, PROCESSES)
    for name, wanted in bounds.items():
        ceiling = resource.getrlimit(name)[1]
        lower = ceiling != resource.RLIM_INFINITY
        resource.setrlimit(name, tuple(min(one, ceiling) if lower else one for one in wanted))


def module(name: str, source: str, **names: Any) -> dict[str, Any]:
    """Execute `source` as a module that dataclasses and pickle can find; return its namespace."""
    made = types.ModuleType(name)
    sys.modules[name] = made
    made.__dict__.update(names)
    exec(compile(source, f"<{name}>", "exec"), made.__dict__)  # noqa: S102 - what a sandbox is for
    return made.__dict__


def shown(error: BaseException) -> str:
    """An exception as one short text: its kind and, if it has one, its message."""
    return f"{type(error).__name__}: {error}"[:REASON_CHARS].rstrip(": ")


def failing_line(error: BaseException, tester: str) -> str:
    """The tester's line at which the check failed, or nothing when it failed elsewhere."""
    lines, found, frame = tester.splitlines(), "", error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == "<tester>":
            found = lines[frame.tb_lineno - 1].strip()
        frame = frame.tb_next
    return found[:REASON_CHARS]


def run_program(job: dict[str, Any]) -> dict[str, Any]:
    """Define the candidate, define the tester beside it, and let `check` decide."""
    try:
        entry = module("candidate", job["candidate"])[job["entry_point"]]
        module("tester", job["tester"], **{job["entry_point"]: entry})["check"](entry)
    except BaseException as error:  # sys.exit and the like are failures here
        failing = failing_line(error, job["tester"])
        return {"verdict": "fail", "reason": shown(error), "failing": failing}
    return {"verdict": "pass"}


def run_call(job: dict[str, Any]) -> dict[str, Any]:
    """Import `module:function` from the harness's own path and call it."""
    sys.path[:] = job["path"]
    name, _, function = job["function"].partition(":")
    try:
        value = getattr(importlib.import_module(name), function)(**job["arguments"])
        return {"verdict": "pass", "value": json.loads(json.dumps(value))}
    except Exception as error:  # whatever it raised is the answer
        return {"verdict": "fail", "reason": shown(error)}


def run_case(job: dict[str, Any], supervisor: int, sink: int) -> NoReturn:
    """Cut this process off, bound it, run the job, say the token and the verdict, and end."""
    os.setsid()
    die_with(supervisor, signal.SIGKILL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
    os.environ.clear()
    limit(job)
    message = run_program(job) if job["kind"] == "program" else run_call(job)
    data = (job["token"] + json.dumps(message) + "\n").encode()
    while data:
        data = data[os.write(sink, data) :]
    os._exit(0)


# The supervisor: trusted.


def children() -> list[int]:
    """Processes whose parent is this one; orphans of the case are among them (subreaper)."""
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:  # noqa: PTH123
        return [int(pid) for pid in file.read().split()]


def kill_all(case: int) -> None:
    """Kill the case's session, then what is left of its descendants, until none is."""
    for kill, pid in ((os.killpg, case), (os.kill, case)):
        with contextlib.suppress(ProcessLookupError):
            kill(pid, signal.SIGKILL)
    while remaining := children():
        for pid in remaining:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def listen(pipe: int, case: int, job: dict[str, Any]) -> tuple[bytes, bool]:
    """What the case wrote until it ended or the wall clock ran out, and whether it did."""
    ended = os.pidfd_open(case)
    deadline = time.monotonic() + job["wall_s"]
    said, watched = b"", [pipe, ended]
    while (left := deadline - time.monotonic()) > 0:
        ready = select.select(watched, [], [], left)[0]
        if pipe in ready:
            chunk = os.read(pipe, 1 << 16)
            said = (said + chunk)[: job["output_bytes"] + (1 << 16)]
            if not chunk:
                watched.remove(pipe)
        elif ended in ready:
            return said, False
    return said, True


def supervise(job: dict[str, Any]) -> dict[str, Any]:
    """Fork the case, wait for it, and return the facts: how it ended, CPU used, what it said."""
    supervisor = os.getpid()
    source, sink = os.pipe()
    case = os.fork()
    if case == 0:
        os.close(source)
        run_case(job, supervisor, sink)
    os.close(sink)
    said, wall = listen(source, case, job)
    if wall:
        os.kill(case, signal.SIGKILL)
    _, status, usage = os.wait4(case, 0)
    _, spoke, message = said.partition(job["token"].encode())
    code = os.waitstatus_to_exitcode(status)
    return {
        "case": case,
        "signal": -min(code, 0),
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "wall": wall,
        "message": message.decode(errors="replace") if spoke and message.endswith(b"\n") else None,
    }


def main() -> None:
    """Read the job, run it in a folder of its own, clean up, and report on standard output."""
    job = json.load(sys.stdin)
    folder = f"{job['scratch']}/nca-sandbox-{os.getpid()}-{job['token'][:16]}"

    def stop(*_: object) -> NoReturn:
        for pid in children():
            kill_all(pid)
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)

    signal.signal(signal.SIGTERM, stop)
    die_with(job["parent"], signal.SIGTERM)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    os.mkdir(folder, 0o700)  # noqa: PTH102 - pathlib would cost every check its import
    os.chdir(folder)
    facts = supervise(job)
    kill_all(facts.pop("case"))
    os.chdir("/")
    shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.write(job["token"] + json.dumps(facts))


if __name__ == "__main__":
    main()

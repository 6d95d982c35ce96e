"""Warm processes that fork one process a case, watch over it, and report how it ended.

    python -S -s -P -c "...; from inside.zygote import main; main(...)" PLACE ROLE=FD ...

Each role is served by a process of its own, so that what a tester's zygote has read is never in the
memory of a candidate. A job comes over the role's socket with the descriptors of the case: its end
of the channel to the other side (none for a call), and a leash: when the host lets go of it, the
case is killed.
"""

import contextlib
import importlib
import json
import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from . import call, candidate, channel, confine, kernel, tester
from .confine import Place
from .watch import watch


def main(arguments: list[str]) -> None:
    """Fork a zygote a role, and end when one of them does."""
    told = json.loads(arguments[0])
    if told["user"] is not None:
        os.setgroups([])
        os.setresgid(*[told["user"]] * 3)
        os.setresuid(*[told["user"]] * 3)
    if not os.access(os.__file__, os.R_OK):
        sys.exit(f"others than root may not read {os.__file__}: use another Python, or no root")
    # A process that changed its user may not write its own /proc files until it says so.
    kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    sys.path[:] = [*sys.path[1:], *filter(None, [told["packages"]])]
    place = Place(told["tier"], told["scratch"], tuple(told["readable"]))
    roles = {name: int(number) for name, number in (one.split("=") for one in arguments[1:])}
    for role, descriptor in roles.items():
        if os.fork() == 0:
            kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
            for other in set(roles.values()) - {descriptor}:
                os.close(other)
            _serve(role, socket.socket(fileno=descriptor), place)
    for descriptor in roles.values():
        os.close(descriptor)
    os.wait()


def _serve(role: str, host: socket.socket, place: Place) -> NoReturn:
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    while (job := channel.receive_job(host)) is not None:
        told, (*talk, leash) = job
        report = _CASES[role](told, talk, leash, place)
        os.close(leash)
        channel.send(host, json.dumps(report))
    os._exit(0)


def _candidate(job: dict[str, Any], talk: list[int], leash: int, place: Place) -> dict[str, Any]:
    """A case that is confined; what watches over it is outside of its pid namespace."""

    def run() -> NoReturn:
        (kept,) = confine.quiet(tuple(talk))
        confine.confine(job, place)
        candidate.serve(job, socket.socket(fileno=kept))

    if place.tier != "A":
        found = watch(job, run, talk, leash)
        _empty(place.scratch)
        return found

    def guard() -> dict[str, Any]:
        try:
            confine.leave_namespaces()
        except OSError as error:
            return {"what": "unconfined", "said": str(error)}
        return watch(job, run, talk, leash)

    return _in_a_fork(guard, talk)


def _empty(folder: str) -> None:
    """Remove what a case left in the folder that the next one gets too."""
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path, ignore_errors=True)
        else:
            os.unlink(entry.path)  # noqa: PTH108 - pathlib is not loaded here


def _in_a_fork(work: Callable[[], dict[str, Any]], talk: list[int]) -> dict[str, Any]:
    """What `work` returns, done in a process of its own."""
    source, sink = os.pipe()
    if (child := os.fork()) == 0:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        os.close(source)
        os.write(sink, json.dumps(work()).encode())
        os._exit(0)
    for descriptor in (sink, *talk):
        os.close(descriptor)
    with os.fdopen(source, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    found: dict[str, Any] = json.loads(said) if said else {"what": "lost", "said": ""}
    return found


def _tester(job: dict[str, Any], talk: list[int], leash: int, _: Place) -> dict[str, Any]:
    # Its text is trusted, so what it needs is loaded once for all cases.
    if "numpy" in job["tester"]:
        with contextlib.suppress(ImportError):
            importlib.import_module("numpy")
    return _spoken(job, talk, leash, lambda sock: tester.decide(job, sock))


def _call(job: dict[str, Any], talk: list[int], leash: int, _: Place) -> dict[str, Any]:
    call.warm(job)
    return _spoken(job, talk, leash, lambda _: call.run(job))


def _spoken(
    job: dict[str, Any],
    talk: list[int],
    leash: int,
    work: Callable[[socket.socket], dict[str, Any]],
) -> dict[str, Any]:
    """A case of trusted code whose work ends in a message; the report holds it as `said`."""
    source, sink = os.pipe()

    def run() -> NoReturn:
        kept = confine.quiet((sink, *talk))
        sock = socket.socket(fileno=kept[1]) if talk else socket.socket()
        confine.bound(job, None)
        data = json.dumps(work(sock)).encode()
        while data:
            data = data[os.write(kept[0], data) :]
        os._exit(0)

    return watch(job, run, [sink, *talk], leash, source)


_CASES = {"candidate": _candidate, "tester": _tester, "call": _call}

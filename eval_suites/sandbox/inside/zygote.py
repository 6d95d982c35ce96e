"""Warm processes that fork one process a case, watch over it, and report how it ended.

    python -S -s -P -c "...; from inside.zygote import main; main(...)" PLACE ROLE=FD ...

Each role is served by a process of its own, so that what a tester's zygote has read is never in the
memory of a candidate. A job comes over the role's socket with the descriptors of the case: its end
of the channel to the other side (none for a call), and a leash: when the host lets go of it, the
case is killed.
"""

import contextlib
import functools
import gc
import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from . import call, candidate, channel, confine, kernel, seccomp, tester
from .confine import Place
from .watch import Fork, watch


def main(arguments: list[str]) -> None:
    """Fork a zygote a role, and end when one of them does."""
    options = json.loads(arguments[0])
    if options["user"] is not None:
        os.setgroups([])
        os.setresgid(*[options["user"]] * 3)
        os.setresuid(*[options["user"]] * 3)
    if not os.access(os.__file__, os.R_OK):
        sys.exit(f"others than root may not read {os.__file__}: use another Python, or no root")
    # A process that changed its user may not write its own /proc files until it says so.
    kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    sys.path[:] = [*sys.path[1:], *filter(None, [options["packages"]])]
    place = Place(options["tier"], options["scratch"], tuple(options["readable"]))
    roles = {name: int(number) for name, number in (role.split("=") for role in arguments[1:])}
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
    fork: Fork = os.fork
    if role == "candidate" and place.tier == "A":
        processes = confine.own_namespaces()
        fork = functools.partial(confine.fork_first, processes)
    seccomp.program()  # made once for all cases
    gc.freeze()  # a collection in a forked process would copy every page
    while (received := channel.receive_job(host)) is not None:
        job, (*talk, leash) = received
        report = _CASES[role](job, talk, leash, place, fork)
        os.close(leash)
        channel.send(host, json.dumps(report))
    os._exit(0)


def _candidate(
    job: dict[str, Any], talk: list[int], leash: int, place: Place, fork: Fork
) -> dict[str, Any]:
    source, sink = os.pipe()

    def run() -> NoReturn:
        theirs, ours = confine.quiet((*talk, sink))
        try:
            confine.confine(job, place)
        except Exception as error:
            os.write(ours, str(error).encode())
            os._exit(1)
        os.close(ours)  # before the candidate is there: it can send nothing here
        candidate.serve(job, socket.socket(fileno=theirs))

    report = watch(job, run, [sink, *talk], leash, source, fork)
    if place.tier != "A":
        _empty(place.scratch)
    return {**report, "ended_by": "unconfined"} if report["message"] else report


def _empty(folder: str) -> None:
    """Remove the files of a case from the folder that the next one gets too."""
    import shutil  # here, for it loads libraries, and every fork of tier A would pay for them

    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path, ignore_errors=True)
        else:
            os.unlink(entry.path)  # noqa: PTH108 - pathlib is not loaded here


def _tester(
    job: dict[str, Any], talk: list[int], leash: int, _: Place, fork: Fork
) -> dict[str, Any]:
    # Its text is trusted, so what it needs is loaded once for all cases.
    if "numpy" in job["tester"]:
        with contextlib.suppress(ImportError):
            importlib.import_module("numpy")
    return _with_message(job, talk, leash, fork, lambda sock: tester.decide(job, sock))


def _call(job: dict[str, Any], talk: list[int], leash: int, _: Place, fork: Fork) -> dict[str, Any]:
    call.warm(job)
    return _with_message(job, talk, leash, fork, lambda _: call.run(job))


def _with_message(
    job: dict[str, Any],
    talk: list[int],
    leash: int,
    fork: Fork,
    work: Callable[[socket.socket], dict[str, Any]],
) -> dict[str, Any]:
    """Run a case of trusted code whose work ends in a message, which the report holds."""
    source, sink = os.pipe()

    def run() -> NoReturn:
        kept = confine.quiet((sink, *talk))
        sock = socket.socket(fileno=kept[1]) if talk else socket.socket()
        confine.bound(job, None)
        data = json.dumps(work(sock)).encode()
        while data:
            data = data[os.write(kept[0], data) :]
        os._exit(0)

    return watch(job, run, [sink, *talk], leash, source, fork)


_CASES = {"candidate": _candidate, "tester": _tester, "call": _call}

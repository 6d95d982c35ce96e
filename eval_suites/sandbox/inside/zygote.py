"""Warm processes that fork one process a case, watch over it, and report how it ended.

    python -S -s -P -c "...; from inside.zygote import main; main(...)" PLACE ROLE=FD ...

Each role is served by a process of its own, so that what a tester's zygote has read is never in the
memory of a candidate. A job comes over the role's socket with the descriptors of the case: its end
of the channel to the other side (none for a call), and a leash: when the host lets go of it, the
case is killed.
"""

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from . import candidate, channel, confine, kernel, seccomp, tester
from .confine import Place
from .watch import Case, watch


def main(arguments: list[str]) -> None:
    """Fork a zygote a role, and end when one of them does."""
    place = Place(**json.loads(arguments[0]))
    if place.user is not None:
        os.setgroups([])
        os.setresgid(place.user, place.user, place.user)
        os.setresuid(place.user, place.user, place.user)
    if not os.access(os.__file__, os.R_OK):
        sys.exit(f"others than root may not read {os.__file__}: use another Python, or no root")
    # A process that changed its user may not write its own /proc files until it says so.
    kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    sys.path[:] = [*sys.path[1:], *filter(None, [place.packages])]
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
    apart = role == "candidate" and place.tier == "A"
    fork = confine.own_namespaces() if apart else os.fork
    seccomp.program()  # made once for all cases
    gc.freeze()  # a collection in a forked process would copy every page
    while (received := channel.receive_job(host)) is not None:
        job, (*talk, leash) = received
        report = _ROLES[role](Case(job, talk, leash, fork), place)
        os.close(leash)
        channel.send(host, json.dumps(report))
    os._exit(0)


def _candidate(case: Case, place: Place) -> dict[str, Any]:
    def run(talk: list[int], sink: int) -> NoReturn:
        try:
            confine.confine(case.job, place)
        except Exception as error:
            os.write(sink, str(error).encode())
            os._exit(1)
        os.close(sink)  # before the candidate is there: it can send nothing here
        candidate.serve(case.job, socket.socket(fileno=talk[0]))

    report = watch(case, run)
    if place.tier != "A":  # the next case gets the same folder, so its files go
        import shutil  # here, for it loads libraries, and every fork of tier A would pay for them

        for entry in os.scandir(place.scratch):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                os.unlink(entry.path)  # noqa: PTH108 - pathlib is not loaded here
    return {**report, "ended_by": "unconfined"} if report["message"] else report


def _tester(case: Case, _: Place) -> dict[str, Any]:
    # Its text is trusted, so what it needs is loaded once for all cases.
    if "numpy" in case.job["tester"]:
        with contextlib.suppress(ImportError):
            importlib.import_module("numpy")
    return _trusted(case, lambda talk: tester.decide(case.job, socket.socket(fileno=talk[0])))


def _call(case: Case, _: Place) -> dict[str, Any]:
    """Call `module:function` on plain values, with the module imported from the host's path.

    A module may have a function `warm` for work that is slow the first time; it is called before
    each call, and does its work once.
    """
    sys.path[:] = case.job["path"]
    name, _, function = case.job["function"].partition(":")
    with contextlib.suppress(Exception):  # the call itself reports the fault
        # Here, and not in the fork alone, so that every fork has it.
        getattr(importlib.import_module(name), "warm", lambda: None)()

    def call(_: list[int]) -> dict[str, Any]:
        try:
            value = getattr(importlib.import_module(name), function)(**case.job["arguments"])
            return {"verdict": "pass", "value": json.loads(json.dumps(value))}
        except Exception as error:
            return {"verdict": "fail", "reason": tester.describe(error)}

    return _trusted(case, call)


def _trusted(case: Case, work: Callable[[list[int]], dict[str, Any]]) -> dict[str, Any]:
    """Run a case of trusted code whose work ends in a message, which the report holds."""

    def run(talk: list[int], sink: int) -> NoReturn:
        confine.bound(case.job, None)
        data = json.dumps(work(talk)).encode()
        while data:
            data = data[os.write(sink, data) :]
        os._exit(0)

    return watch(case, run)


_ROLES = {"candidate": _candidate, "tester": _tester, "call": _call}

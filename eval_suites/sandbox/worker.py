"""One worker: warm zygotes, one check at a time sent to them, and its outcome from their reports.

CPU time comes first in an outcome: it decides.
"""

import asyncio
import contextlib
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from eval_suites.sandbox import tiers
from eval_suites.sandbox.checks import Call, Limits, Outcome, Program
from eval_suites.sandbox.tiers import Tier

Report = Mapping[str, Any]
_LENGTH = struct.Struct("!Q")
#: Seconds beyond the wall clock of a case in which its watch must have said something.
_GRACE_S = 10.0
#: The idle share of the wall time from which a case has waited of its own accord.
_IDLE_SHARE = 0.5


class LostError(Exception):
    """The zygotes are gone, or say nothing; the worker must be started again."""


class Zygotes:
    """A process that serves some roles, each over a socket."""

    def __init__(self, command: Sequence[str], roles: Sequence[str]) -> None:
        self._sockets: dict[str, socket.socket] = {}
        theirs: dict[str, socket.socket] = {}
        for role in roles:
            self._sockets[role], theirs[role] = socket.socketpair()
            self._sockets[role].setblocking(False)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by kill
        self._process = subprocess.Popen(
            [*command, *(f"{role}={end.fileno()}" for role, end in theirs.items())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            pass_fds=[end.fileno() for end in theirs.values()],
            env={"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1", "PYTHONUTF8": "1"},
            cwd="/",
        )
        for end in theirs.values():
            end.close()

    async def send(self, role: str, job: Mapping[str, Any], *ends: socket.socket) -> None:
        """Hand a job to a role, with copies of sockets.

        Raises:
            LostError: the process is gone.
        """
        sock, data = self._sockets[role], json.dumps(job).encode()
        try:
            socket.send_fds(sock, [_LENGTH.pack(len(data))], [end.fileno() for end in ends])
            await asyncio.get_running_loop().sock_sendall(sock, data)
        except OSError as error:
            raise LostError(self._last_error() or str(error)) from None

    async def report(self, role: str, limits: Limits) -> Report:
        """Return a role's report on the job that it was sent.

        Raises:
            LostError: the process is gone, or says nothing long after the wall clock of the job.
        """
        try:
            async with asyncio.timeout(limits.wall_s + 2 * _GRACE_S):
                (length,) = _LENGTH.unpack(await self._exactly(role, _LENGTH.size))
                report: Report = json.loads(await self._exactly(role, length))
        except TimeoutError:
            raise LostError("the sandbox's process says nothing") from None
        except OSError as error:
            raise LostError(self._last_error() or str(error)) from None
        return report

    async def _exactly(self, role: str, length: int) -> bytes:
        loop, data = asyncio.get_running_loop(), bytearray()
        while len(data) < length:
            piece = await loop.sock_recv(self._sockets[role], min(length - len(data), 1 << 20))
            if not piece:
                raise LostError(self._last_error() or "the sandbox's process ended")
            data += piece
        return bytes(data)

    def _last_error(self) -> str:
        """Return the last line that the process wrote to its standard error."""
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:500] if lines else ""

    def kill(self) -> None:
        """End the process and everything in it, and wait until all of that is gone."""
        # In tier A its only child is the first process of a pid namespace: it ends after the rest.
        children: list[int] = []
        with contextlib.suppress(OSError):  # it or they have ended
            file = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
            children.extend(os.pidfd_open(int(number)) for number in file.read_text().split())
        self._process.kill()
        self._process.wait()
        for child in children:
            poll = select.poll()
            poll.register(child, select.POLLIN)
            poll.poll(1000 * _GRACE_S)
            os.close(child)
        for end in self._sockets.values():
            end.close()
        self._errors.close()


class Worker:
    """A runner of one check at a time, whose zygotes are started when they are first needed.

    A worker whose check was cancelled or lost is in the middle of something: `kill` it. It may be
    used again after that.
    """

    def __init__(self) -> None:
        self._started: dict[str, Zygotes] = {}
        self._scratch: Path | None = None

    async def run_program(self, check: Program, limits: Limits, tier: Tier) -> Outcome:
        """Run a candidate and its tester, always in the same tier.

        Raises:
            LostError: there is no report on them.
        """
        zygotes = self._programs(tier)
        common = {"entry_point": check.entry_point, **asdict(limits)}
        # The trusted side's limits are generous, and its clock runs out after the candidate's.
        generous = {"cpu_s": 60.0, "wall_s": limits.wall_s + _GRACE_S, "memory_bytes": 4 << 30}
        jobs = {
            "candidate": {**common, "candidate": check.candidate},
            "tester": {**common, "tester": check.tester, **generous},
        }
        # A leash is a socket whose other end the watches have: they end the case when it is closed.
        talk, (leash, end) = socket.socketpair(), socket.socketpair()
        with leash, end:
            with talk[0], talk[1]:
                for (role, job), side in zip(jobs.items(), talk, strict=True):
                    await zygotes.send(role, job, side, end)
            tester = asyncio.ensure_future(zygotes.report("tester", limits))
            tester.add_done_callback(lambda _: leash.close())  # its decision ends the candidate
            try:
                candidate = await zygotes.report("candidate", limits)
                return _of_program(candidate, await tester, limits, tier)
            finally:
                tester.cancel()

    async def run_call(self, check: Call, limits: Limits) -> Outcome:
        """Call a trusted function.

        Raises:
            LostError: there is no report on it.
        """
        if "calls" not in self._started:
            self._started["calls"] = Zygotes(tiers.trusted(), ("call",))
        zygotes = self._started["calls"]
        path = [os.path.realpath(entry) for entry in sys.path]  # noqa: ASYNC240, PTH - no waiting
        job = {"function": check.function, "arguments": dict(check.arguments), "path": path}
        leash, end = socket.socketpair()
        with leash, end:
            await zygotes.send("call", {**job, **asdict(limits)}, end)
            report = await zygotes.report("call", limits)
        ended = {"verdict": "crash", "reason": _ending(report)}
        result = _ended_by_us(report, limits) or _message(report) or ended
        return Outcome(**{**result, "cpu_s": report["cpu_s"], "tier": "call"})

    def _programs(self, tier: Tier) -> Zygotes:
        if "programs" not in self._started:
            self._scratch = Path(tempfile.mkdtemp(prefix="nca-sandbox-"))
            if os.getuid() == 0:  # programs may write to it, whoever they run as
                os.chown(self._scratch, tiers.USER, tiers.USER)
            command = tiers.zygotes(tier, self._scratch)
            self._started["programs"] = Zygotes(command, ("candidate", "tester"))
        return self._started["programs"]

    def kill(self) -> None:
        """End everything that was started, and remove its folder."""
        while self._started:
            self._started.popitem()[1].kill()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None


def _of_program(candidate: Report, tester: Report, limits: Limits, tier: str) -> Outcome:
    """Return the outcome of a program from the reports on its two processes."""
    result = _ended_by_us(candidate, limits) or _message(tester)
    if not result:
        killed = tester["status"] == -signal.SIGKILL and not tester["ended_by"]
        reason = f"the test's own process: {_ending(tester)}"
        result = {"verdict": "infra" if killed else "crash", "reason": reason}
    elif result["verdict"] == "gone":
        leashed = candidate["ended_by"] == "leash"
        reason = result["reason"] if leashed else _ending(candidate)
        result = {"verdict": "crash", "reason": reason}
    return Outcome(**{**result, "cpu_s": candidate["cpu_s"], "tier": tier})


def _ended_by_us(report: Report, limits: Limits) -> dict[str, Any] | None:
    """Return the result of a case that a limit ended; None for others."""
    ended_by, cpu_s, wall = report["ended_by"], report["cpu_s"], f"{limits.wall_s:g} s"
    if ended_by == "unconfined":
        verdict, reason = "infra", f"the sandbox failed: {report['message']}"
    elif cpu_s >= limits.cpu_s or ended_by == "cpu":
        verdict, reason = "timeout", f"used {cpu_s:.2f} of {limits.cpu_s:g} CPU seconds"
    elif ended_by == "memory":
        reason = f"held more than {limits.memory_bytes >> 20} MiB in all its processes"
        verdict = "crash"
    elif ended_by != "wall":
        return None
    elif report["idle_s"] > _IDLE_SHARE * limits.wall_s:
        verdict, reason = "timeout", f"waited for {report['idle_s']:.0f} of {wall}"
    else:
        verdict, reason = "infra", f"still running after {wall} with {cpu_s:.2f} CPU seconds used"
    return {"verdict": verdict, "reason": reason}


def _ending(report: Report) -> str:
    status = report["status"]
    return f"the process ended {f'by signal {-status}' if status < 0 else 'without a verdict'}"


def _message(report: Report) -> dict[str, Any] | None:
    """Return the message of trusted code, None where it was cut off."""
    try:
        message = json.loads(report["message"])
    except ValueError:
        return None
    return message if isinstance(message, dict) else None

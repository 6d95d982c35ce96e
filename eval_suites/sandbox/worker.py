"""One worker: warm zygotes, and one check at a time sent to them."""

import asyncio
import contextlib
import json
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from eval_suites.sandbox import tiers
from eval_suites.sandbox.checks import Call, Limits, Program
from eval_suites.sandbox.tiers import Tier

Report = Mapping[str, Any]

_LENGTH = struct.Struct("!Q")
#: Seconds beyond the wall clock of a case in which its watch must have said something.
_GRACE_S = 10.0
ROLES = ("candidate", "tester")


class LostError(Exception):
    """The zygotes are gone, or say nothing; the worker must be started again."""


class Zygotes:
    """A process that serves some roles, each over a socket."""

    def __init__(self, command: Sequence[str], roles: Sequence[str]) -> None:
        pairs = {role: socket.socketpair() for role in roles}
        theirs = {role: pair[1].fileno() for role, pair in pairs.items()}
        self._sockets = {role: pair[0] for role, pair in pairs.items()}
        for end in self._sockets.values():
            end.setblocking(False)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by kill
        self._process = subprocess.Popen(
            [*command, *(f"{role}={number}" for role, number in theirs.items())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            pass_fds=tuple(theirs.values()),
            env={"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1", "PYTHONUTF8": "1"},
            cwd="/",
        )
        for _, their in pairs.values():
            their.close()

    async def send(self, role: str, job: Mapping[str, Any], given: Sequence[int]) -> None:
        """Hand a job to a role, with copies of descriptors.

        Raises:
            LostError: the process is gone.
        """
        data = json.dumps(job).encode()
        try:
            socket.send_fds(self._sockets[role], [_LENGTH.pack(len(data))], list(given))
            await asyncio.get_running_loop().sock_sendall(self._sockets[role], data)
        except OSError as error:
            raise LostError(self.last_error() or str(error)) from None

    async def report(self, role: str) -> Report:
        """Return a role's report on the job that it was sent.

        Raises:
            LostError: the process is gone.
        """
        sock = self._sockets[role]
        try:
            (length,) = _LENGTH.unpack(await self._exactly(sock, _LENGTH.size))
            report: Report = json.loads(await self._exactly(sock, length))
        except OSError as error:
            raise LostError(self.last_error() or str(error)) from None
        return report

    async def _exactly(self, sock: socket.socket, length: int) -> bytes:
        loop, data = asyncio.get_running_loop(), bytearray()
        while len(data) < length:
            piece = await loop.sock_recv(sock, min(length - len(data), 1 << 20))
            if not piece:
                raise LostError(self.last_error() or "the sandbox's process ended")
            data += piece
        return bytes(data)

    def last_error(self) -> str:
        """Return the last line that the process wrote to its standard error."""
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:500] if lines else ""

    def kill(self) -> None:
        """End the process and everything in it, and wait until all of that is gone."""
        children = _open_children(self._process.pid)
        self._process.kill()
        self._process.wait()
        for child in children:
            _await_end(child)
        for end in self._sockets.values():
            end.close()
        self._errors.close()


def _open_children(pid: int) -> list[int]:
    """Return a pidfd of each child of a process.

    In tier A the only child is the first process of a pid namespace, which ends after all others.
    """
    children: list[int] = []
    with contextlib.suppress(OSError):  # it or they have ended
        numbers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        children.extend(os.pidfd_open(int(number)) for number in numbers)
    return children


def _await_end(process: int) -> None:
    """Wait until the process of a pidfd has ended, and close the pidfd."""
    poll = select.poll()
    poll.register(process, select.POLLIN)
    poll.poll(1000 * _GRACE_S)
    os.close(process)


class Worker:
    """A runner of one check at a time, whose zygotes are started when they are first needed.

    A worker whose check was cancelled or lost is in the middle of something: `kill` it. It may be
    used again after that.
    """

    def __init__(self) -> None:
        self._started: dict[str, Zygotes] = {}
        self._scratch: Path | None = None

    async def run_program(
        self, check: Program, limits: Limits, tier: Tier
    ) -> tuple[Report, Report]:
        """Run a candidate and its tester, always in the same tier, and return both reports.

        Raises:
            LostError: there are none.
        """
        zygotes = self._programs(tier)
        common = {"entry_point": check.entry_point, **asdict(limits)}
        jobs = {
            "candidate": {**common, "candidate": check.candidate},
            "tester": {**common, "tester": check.tester, **_tester_limits(limits)},
        }
        talk = dict(zip(ROLES, socket.socketpair(), strict=True))
        with contextlib.ExitStack() as stack:
            leashes = {role: stack.enter_context(_Leash()) for role in ROLES}
            try:
                for role in ROLES:
                    given = [talk[role].fileno(), leashes[role].end]
                    await zygotes.send(role, jobs[role], given)
            finally:
                for role in ROLES:
                    talk[role].close()
            return await _both(zygotes, leashes["candidate"], limits)

    async def run_call(self, check: Call, limits: Limits) -> Report:
        """Call a trusted function and return the report.

        Raises:
            LostError: there is none.
        """
        path = [os.path.realpath(entry) for entry in sys.path]  # noqa: ASYNC240, PTH - no waiting
        job = {"function": check.function, "arguments": dict(check.arguments), "path": path}
        with _Leash() as leash:
            zygotes = self._calls()
            await zygotes.send("call", {**job, **asdict(limits)}, [leash.end])
            async with _time_limit(limits):
                return await zygotes.report("call")

    def _programs(self, tier: Tier) -> Zygotes:
        if "programs" not in self._started:
            self._scratch = _folder()
            self._started["programs"] = Zygotes(tiers.zygotes(tier, self._scratch), ROLES)
        return self._started["programs"]

    def _calls(self) -> Zygotes:
        if "calls" not in self._started:
            self._started["calls"] = Zygotes(tiers.trusted(), ("call",))
        return self._started["calls"]

    def kill(self) -> None:
        """End everything that was started, and remove its folder."""
        while self._started:
            self._started.popitem()[1].kill()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None


class _Leash:
    """A pipe that ends a case: the holder of the other end sees when ours is closed."""

    def __init__(self) -> None:
        self.end, self._hold = os.pipe()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        os.close(self.end)

    def release(self) -> None:
        if self._hold >= 0:
            os.close(self._hold)
            self._hold = -1


def _tester_limits(limits: Limits) -> dict[str, float]:
    """Return the trusted side's limits: generous, and its clock runs out after the candidate's."""
    return {"cpu_s": 60.0, "wall_s": limits.wall_s + _GRACE_S, "memory_bytes": 4 << 30}


def _folder() -> Path:
    """Return an empty folder that programs may write to, whoever they run as."""
    folder = Path(tempfile.mkdtemp(prefix="nca-sandbox-"))
    if os.getuid() == 0:
        os.chown(folder, tiers.USER, tiers.USER)
    return folder


async def _both(zygotes: Zygotes, leash: _Leash, limits: Limits) -> tuple[Report, Report]:
    """Return the reports of candidate and tester; the tester's decision ends the candidate."""
    candidate, tester = (asyncio.ensure_future(zygotes.report(role)) for role in ROLES)
    try:
        async with _time_limit(limits):
            await asyncio.wait((candidate, tester), return_when=asyncio.FIRST_COMPLETED)
            if tester.done():
                leash.release()
            return await candidate, await tester
    finally:
        candidate.cancel()
        tester.cancel()


@asynccontextmanager
async def _time_limit(limits: Limits) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(limits.wall_s + 2 * _GRACE_S):
            yield
    except TimeoutError:
        raise LostError("the sandbox's process says nothing") from None

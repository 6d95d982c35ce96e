"""Run checks in fresh processes with limits, a few at a time: tier "subprocess".

What this covers: a loop, a memory bomb, a flood of output, an early exit and a forked child end
with their case; the environment is empty, standard input closed, every case has a folder of its
own; CPU time, not the clock, decides about time-outs; a program cannot pass by leaving early,
because a pass is a line with a random token that only our wrapper writes once `check` returned.

What it does NOT cover: the network is open; files are as readable, and outside the case's folder
as writable, as for the user who started the harness; root is not given up, so NPROC does not bind
it. Candidate and tests share one process: a program that goes looking can read its tests, replace
what they call, or find the token in our frames. It may signal other processes of the same user;
a double fork is found, a process that it asked another service to start is not. Run models that
you would run yourself. Linux only.
"""

import asyncio
import json
import os
import secrets
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from eval_suites.sandbox.checks import Check, Limits, Outcome, Program

#: How strongly a program is contained; recorded in every outcome.
TIER = "subprocess"
#: Of what a verdict depends on here; a change that can move a verdict changes it.
VERSION = "1"

_CHILD = Path(__file__).with_name("child.py")
#: Seconds that a supervisor gets beyond its own wall clock, and for its cleaning up.
_GRACE_S = 10.0


class Sandbox:
    """Bounded, order-independent execution: `async with Sandbox() as box: await box.run(check)`.

    Args:
        limits: no check gets more than this; None leaves each check its own limits.
        workers: how many checks run at once; further calls of `run` wait their turn.

    Raises:
        ValueError: `workers` is below 1.
    """

    def __init__(self, limits: Limits | None = None, workers: int = 2) -> None:
        if workers < 1:
            raise ValueError(f"workers is {workers}: a sandbox needs at least 1")
        self._limits = limits
        self._workers = workers
        self._slots = asyncio.Semaphore(workers)
        self._alone = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Nothing stays open: every process ends inside the `run` that started it."""

    async def run(self, check: Check) -> Outcome:
        """Run one check to its outcome.

        A fault of ours, a kill by the wall clock among them, is tried once more with no other
        check beside it; only then is the verdict `infra`.

        Returns:
            The outcome, with `tier` "subprocess". A `Call` that raised is a `fail` with its reason.
        """
        limits = _lower(check.limits, self._limits)
        async with self._slots:
            outcome = await _attempt(check, limits)
        if outcome.verdict != "infra":
            return outcome
        return await self._run_alone(check, limits)

    async def _run_alone(self, check: Check, limits: Limits) -> Outcome:
        # The lock keeps two of these from each holding half of the slots for ever.
        held = 0
        async with self._alone:
            try:
                for _ in range(self._workers):
                    await self._slots.acquire()
                    held += 1
                return await _attempt(check, limits)
            finally:
                for _ in range(held):
                    self._slots.release()


def _lower(limits: Limits, ceiling: Limits | None) -> Limits:
    if ceiling is None:
        return limits
    return Limits(
        cpu_s=min(limits.cpu_s, ceiling.cpu_s),
        wall_s=min(limits.wall_s, ceiling.wall_s),
        memory_bytes=min(limits.memory_bytes, ceiling.memory_bytes),
        output_bytes=min(limits.output_bytes, ceiling.output_bytes),
    )


def _job(check: Check, limits: Limits, token: str) -> bytes:
    """The job as the child reads it. Only a trusted call gets the harness's import path."""
    job: dict[str, Any] = {
        "token": token,
        "parent": os.getpid(),
        "scratch": tempfile.gettempdir(),
        "cpu_s": limits.cpu_s,
        "wall_s": limits.wall_s,
        "memory_bytes": limits.memory_bytes,
        "output_bytes": limits.output_bytes,
    }
    if isinstance(check, Program):
        job |= {"kind": "program", "candidate": check.candidate, "tester": check.tester}
        job |= {"entry_point": check.entry_point}
    else:
        job |= {"kind": "call", "function": check.function, "arguments": dict(check.arguments)}
        job |= {"path": [str(Path(entry).resolve()) for entry in sys.path]}
    return json.dumps(job).encode()


async def _attempt(check: Check, limits: Limits) -> Outcome:
    """One run in one fresh supervisor; whatever goes wrong on our side is `infra`."""
    token = secrets.token_hex(32)
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-B",
            str(_CHILD),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={},
            start_new_session=True,
        )
    except OSError as error:
        return _infra(f"no process could be started: {error}")
    try:
        async with asyncio.timeout(limits.wall_s + _GRACE_S):
            out, err = await process.communicate(_job(check, limits, token))
    except TimeoutError:
        return _infra("the supervisor did not report in time")
    finally:
        await _end(process)
    _, reported, facts = out.decode(errors="replace").partition(token)
    if not reported:
        last = err.decode(errors="replace").strip().splitlines()[-1:]
        return _infra(f"the supervisor ended without a report: {''.join(last) or 'no message'}")
    return _outcome(json.loads(facts), limits)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Make sure that a supervisor is gone, asking first so that it kills what it started."""
    if process.returncode is not None:
        return
    # A case may have stopped its supervisor: SIGCONT lets it see the SIGTERM.
    for number in (signal.SIGTERM, signal.SIGCONT):
        process.send_signal(number)
    try:
        async with asyncio.timeout(_GRACE_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _infra(reason: str) -> Outcome:
    return Outcome("infra", reason, tier=TIER)


def _outcome(facts: Mapping[str, Any], limits: Limits) -> Outcome:
    """The verdict from what the supervisor saw. CPU time is looked at first: it decides."""
    cpu_s = float(facts["cpu_s"])
    if cpu_s >= limits.cpu_s or facts["signal"] == signal.SIGXCPU:
        reason = f"used {cpu_s:.2f} of {limits.cpu_s:g} CPU seconds"
        return Outcome("timeout", reason, cpu_s, tier=TIER)
    if facts["wall"]:
        reason = f"still running after {limits.wall_s:g} s with {cpu_s:.2f} CPU seconds used"
        return Outcome("infra", reason, cpu_s, tier=TIER)
    if facts["message"] is None:
        ended = f"by signal {facts['signal']}" if facts["signal"] else "without a verdict"
        return Outcome("crash", f"the process ended {ended}", cpu_s, tier=TIER)
    message = json.loads(facts["message"])
    return Outcome(
        verdict=message["verdict"],
        reason=message.get("reason", ""),
        cpu_s=cpu_s,
        failing=message.get("failing", ""),
        value=message.get("value"),
        tier=TIER,
    )

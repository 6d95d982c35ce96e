"""`async with Sandbox(limits) as box: outcome = await box.run(check)`.

A bounded number of workers; a call of `run` beyond them waits. The order of checks changes no
outcome. What is covered and what is not is in docs/explanation/security.md.
"""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import astuple
from typing import Self

from eval_suites.errors import SandboxError
from eval_suites.sandbox.checks import Call, Check, Limits, Outcome, Program
from eval_suites.sandbox.tiers import TIERS, Tier
from eval_suites.sandbox.worker import LostError, Worker

#: The version of the sandbox's rules; a change that can move a verdict changes it.
VERSION = "2"

_PROBE = Program(
    "def f(x):\n    return x + 1", "f", "def check(f):\n    assert f(1) == 2", Limits(wall_s=20.0)
)


class Sandbox:
    """Bounded, order-independent execution of programs and trusted calls.

    Args:
        limits: no check gets more than this; None leaves each check its own limits.
        workers: how many checks run at once.
        unsafe: run programs without containment where this machine allows none.
        tier: contain programs in this way; None takes the strongest that works.

    Raises:
        ValueError: `workers` is below 1.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        workers: int = 2,
        *,
        unsafe: bool = False,
        tier: Tier | None = None,
    ) -> None:
        if workers < 1:
            raise ValueError(f"workers is {workers}: a sandbox needs at least 1")
        self._limits = limits
        self._workers = workers
        self._unsafe = unsafe
        self._tier = tier
        self._choosing = asyncio.Lock()
        self._slots = asyncio.Semaphore(workers)
        self._alone = asyncio.Lock()
        self._idle: list[Worker] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """End all workers."""
        while self._idle:
            self._idle.pop().kill()

    async def tier(self) -> Tier:
        """Return the containment of programs here; one is run to find out, once.

        Raises:
            SandboxError: there is none, and `unsafe` was not chosen; the message says why.
        """
        async with self._choosing:
            if self._tier is None:
                self._tier, worker = await _strongest(unsafe=self._unsafe)
                self._idle.append(worker)
            return self._tier

    async def run(self, check: Check) -> Outcome:
        """Run one check to its outcome.

        A fault of ours, a kill by the wall clock among them, is tried once more with no other
        check beside it; only then is the verdict `infra`.

        Returns:
            The outcome. A `Call` that raised is a `fail` with its reason.

        Raises:
            SandboxError: a program, where none can be contained.
        """
        if isinstance(check, Program):
            await self.tier()
        async with self._slots:
            outcome = await self._attempt(check)
        if outcome.verdict != "infra":
            return outcome
        # The lock keeps two of these from each holding half of the slots for ever.
        async with self._alone, AsyncExitStack() as slots:
            for _ in range(self._workers):
                await slots.enter_async_context(self._slots)
            return await self._attempt(check)

    async def _attempt(self, check: Check) -> Outcome:
        worker, limits = self._idle.pop() if self._idle else Worker(), check.limits
        if self._limits is not None:
            limits = Limits(*map(min, astuple(limits), astuple(self._limits)))
        try:
            if isinstance(check, Call):
                outcome = await worker.run_call(check, limits)
            else:
                outcome = await worker.run_program(check, limits, await self.tier())
        except LostError as error:
            worker.kill()
            outcome = Outcome("infra", str(error), tier=self._tier or "")
        except BaseException:  # cancelled in the middle of a case
            worker.kill()
            raise
        self._idle.append(worker)
        return outcome


async def _strongest(*, unsafe: bool) -> tuple[Tier, Worker]:
    """Return the strongest tier in which a program passes, and the worker that ran it."""
    reasons = []
    for tier in TIERS if unsafe else TIERS[:-1]:
        worker = Worker()
        reason = await obstacle(tier, worker)
        if reason is None:
            return tier, worker
        worker.kill()
        reasons.append(f"tier {tier}: {reason}")
    raise SandboxError(
        f"model-written programs cannot be contained here ({'; '.join(reasons)}); "
        "see docs/explanation/security.md, or run them uncontained with --unsafe"
    )


async def obstacle(tier: Tier, worker: Worker) -> str | None:
    """Return why this machine cannot contain programs in a tier; None where it can.

    A fresh worker runs a program to find out.
    """
    try:
        outcome = await worker.run_program(_PROBE, _PROBE.limits, tier)
    except (LostError, OSError) as error:
        return str(error)
    return None if outcome.verdict == "pass" else outcome.reason

"""Where an evaluation stands, on the side of the stage: counts by pair, told a few times a second.

Counting a sample costs next to nothing and writes nothing. What changed is told by a task of its
own, at most five times a second and once more at the end, so that no pair's end is lost however
fast samples come.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, replace
from math import ceil

from eval_suites.scores import HARNESS_STATUSES
from harness.evaluate.client.cached_client import Tally
from harness.progress.events import Reporter
from harness.progress.throughput import Key, Pair

EVERY_S = 0.2


class Stopwatch:
    """Seconds in which an engine was ready. Its clock is one that never jumps."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._before = 0.0
        self._since: float | None = None

    def run(self) -> None:
        """An engine is ready."""
        if self._since is None:
            self._since = self._clock()

    def stop(self) -> None:
        """It is being started (again), or gone."""
        self._before = self.seconds
        self._since = None

    @property
    def seconds(self) -> float:
        """So far."""
        return self._before + (0.0 if self._since is None else self._clock() - self._since)


class EvaluationProgress:
    """The pairs of an evaluation. `tell` reports those that changed since it was last called."""

    def __init__(self, report: Reporter, pairs: Iterable[Pair], watch: Stopwatch) -> None:
        self._report = report
        self._pairs = {pair.key: pair for pair in pairs}
        self._began: dict[Key, float] = {}
        self._changed = dict.fromkeys(self._pairs)
        self.watch = watch

    def begin(self, key: Key) -> None:
        """A sample of a pair is taken up."""
        if key not in self._began:
            self._began[key] = self.watch.seconds
            self._pairs[key] = replace(self._pairs[key], begun=True)
            self._changed[key] = None

    def add(self, key: Key, statuses: Sequence[str], asked: Tally) -> None:
        """A sample is done: the statuses of its repeats, and what was asked for it alone.

        Of repeats that are asked together the tally says how many answers are new, not whose.
        """
        pair, ours = self._pairs[key], sum(status in HARNESS_STATUSES for status in statuses)
        answers = asked.asked + asked.reused
        self._pairs[key] = replace(
            pair,
            done=pair.done + len(statuses),
            generated=pair.generated + ceil(len(statuses) * asked.asked / max(answers, 1)),
            tokens=pair.tokens + asked.tokens,
            seconds=self.watch.seconds - self._began[key],
            not_ok=pair.not_ok + sum(status != "ok" for status in statuses) - ours,
            lost=pair.lost + ours,
        )
        self._changed[key] = None

    def tell(self) -> None:
        """Report what changed, if anything did."""
        if not self._changed:
            return
        pairs = [asdict(self._pairs[key]) for key in self._changed]
        self._changed = {}
        self._report({"event": "evaluating", "seconds": self.watch.seconds, "pairs": pairs})


class JudgingProgress:
    """As `EvaluationProgress`, of a pass in which a judge reads what was answered before."""

    def __init__(self, report: Reporter, total: int) -> None:
        self._report = report
        self._done = 0
        self._total = total
        self.watch = Stopwatch()

    def begin(self, key: Key) -> None:  # noqa: ARG002 - as EvaluationProgress has it
        """A sample is taken up."""
        if not self._done:
            self._tell()

    def add(self, key: Key, statuses: Sequence[str], asked: Tally) -> None:  # noqa: ARG002 - as above
        """A sample is judged."""
        self._done += len(statuses)
        self._tell()

    def _tell(self) -> None:
        counts = {"done": self._done, "total": self._total}
        self._report({"event": "progress", "phase": "judging", **counts})


@asynccontextmanager
async def telling(standings: EvaluationProgress, every_s: float = EVERY_S) -> AsyncIterator[None]:
    """Tell where things stand now, every so many seconds, and at the end."""

    async def beat() -> None:
        while True:
            standings.tell()
            await asyncio.sleep(every_s)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        standings.tell()

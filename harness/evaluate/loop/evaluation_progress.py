"""The progress of an evaluation: counts by pair, reported a few times a second by the stage.

A pair is a suite with a checkpoint. Counting a sample costs next to nothing and writes nothing. A
task of its own reports the changes, at most five times a second and once more at the end, so that
no pair's end is lost however fast samples come.
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
    """The seconds in which an engine was ready, by a clock that never jumps."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._before = 0.0
        self._since: float | None = None

    def run(self) -> None:
        """Go on: an engine is ready."""
        if self._since is None:
            self._since = self._clock()

    def stop(self) -> None:
        """Stop: the engine is being started (again), or gone."""
        self._before = self.seconds
        self._since = None

    @property
    def seconds(self) -> float:
        """The seconds so far."""
        return self._before + (0.0 if self._since is None else self._clock() - self._since)


class EvaluationProgress:
    """The pairs of an evaluation. `tell` reports those that changed since it was last called."""

    def __init__(self, report: Reporter, pairs: Iterable[Pair], stopwatch: Stopwatch) -> None:
        self._report = report
        self._pairs = {pair.key: pair for pair in pairs}
        self._began: dict[Key, float] = {}
        self._changed = dict.fromkeys(self._pairs)
        self.stopwatch = stopwatch

    def begin(self, key: Key) -> None:
        """Count a sample of a pair as begun."""
        if key not in self._began:
            self._began[key] = self.stopwatch.seconds
            self._pairs[key] = replace(self._pairs[key], begun=True)
            self._changed[key] = None

    def add(self, key: Key, statuses: Sequence[str], tally: Tally) -> None:
        """Count a finished sample: the statuses of its repeats, and the tally of its requests.

        Of repeats that are asked together the tally has the number of new answers, not whose.
        """
        pair, ours = self._pairs[key], sum(status in HARNESS_STATUSES for status in statuses)
        answers = tally.asked + tally.reused
        self._pairs[key] = replace(
            pair,
            done=pair.done + len(statuses),
            generated=pair.generated + ceil(len(statuses) * tally.asked / max(answers, 1)),
            tokens=pair.tokens + tally.tokens,
            seconds=self.stopwatch.seconds - self._began[key],
            not_ok=pair.not_ok + sum(status != "ok" for status in statuses) - ours,
            lost=pair.lost + ours,
        )
        self._changed[key] = None

    def tell(self) -> None:
        """Report the pairs that changed, if any did."""
        if not self._changed:
            return
        pairs = [asdict(self._pairs[key]) for key in self._changed]
        self._changed = {}
        self._report({"event": "evaluating", "seconds": self.stopwatch.seconds, "pairs": pairs})


class JudgingProgress:
    """As `EvaluationProgress`, of a pass in which a judge reads what was answered before."""

    def __init__(self, report: Reporter, total: int) -> None:
        self._report = report
        self._done = 0
        self._total = total
        self.stopwatch = Stopwatch()

    def begin(self, key: Key) -> None:  # noqa: ARG002 - as EvaluationProgress has it
        """Count a sample as begun."""
        if not self._done:
            self._tell()

    def add(self, key: Key, statuses: Sequence[str], tally: Tally) -> None:  # noqa: ARG002 - as above
        """Count a judged sample."""
        self._done += len(statuses)
        self._tell()

    def _tell(self) -> None:
        counts = {"done": self._done, "total": self._total}
        self._report({"event": "progress", "phase": "judging", **counts})


@asynccontextmanager
async def report_regularly(
    progress: EvaluationProgress, every_s: float = EVERY_S
) -> AsyncIterator[None]:
    """Report the progress at once, every `every_s` seconds, and at the end."""

    async def beat() -> None:
        while True:
            progress.tell()
            await asyncio.sleep(every_s)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        progress.tell()

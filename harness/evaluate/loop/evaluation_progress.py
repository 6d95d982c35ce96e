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
from harness.evaluate.judge.judge import Judge
from harness.progress.events import PhaseProgress, Reporter, note_to
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


class PassProgress:
    """The tally of a pass, and the receiver of the events of its engine."""

    def __init__(self, report: Reporter) -> None:
        self.report = report
        self.note = note_to(report)
        self.stopwatch = Stopwatch()
        self.tally = Tally()

    def engine_starts(self, name: str) -> None:
        """Report that the engine that answers starts; time stands still until it is ready."""
        self.stopwatch.stop()
        self.note(f"starting {name}")

    def engine_gone(self, reason: str) -> None:
        """Report that the engine that answers died and will be started again."""
        self.note(f"the engine died: {reason}; requests in flight are asked again")

    def generated(self) -> tuple[int, float]:
        """Return the tokens so far, and the seconds with an engine ready."""
        return self.tally.tokens, self.stopwatch.seconds

    def begin(self, key: Key) -> None:
        """Count a sample of a pair as begun."""

    def add(self, key: Key, statuses: Sequence[str], tally: Tally) -> None:  # noqa: ARG002 - below
        """Count a finished sample: the statuses of its repeats, and the tally of its requests."""
        self.tally.add(tally)


class EvaluationProgress(PassProgress):
    """The pairs of an evaluation. `tell` reports those that changed since it was last called."""

    def __init__(self, report: Reporter, pairs: Iterable[Pair]) -> None:
        super().__init__(report)
        self._pairs = {pair.key: pair for pair in pairs}
        self._began: dict[Key, float] = {}
        self._changed = dict.fromkeys(self._pairs)

    def begin(self, key: Key) -> None:
        """Count a sample of a pair as begun."""
        if key not in self._began:
            self._began[key] = self.stopwatch.seconds
            self._pairs[key] = replace(self._pairs[key], begun=True)
            self._changed[key] = None

    def add(self, key: Key, statuses: Sequence[str], tally: Tally) -> None:
        """Count a finished sample.

        Of repeats that are asked together the tally has the number of new answers, not whose.
        """
        super().add(key, statuses, tally)
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
        self.report({"event": "evaluating", "seconds": self.stopwatch.seconds, "pairs": pairs})

    def finish(self, judge: Judge | None, damaged: int) -> None:
        """Report the figures of the whole evaluation; `damaged` counts entries of the journal."""
        verdicts = Tally() if judge is None else judge.client.tally
        self.tally.lost += verdicts.lost
        if self.tally.lost:
            self.note(
                f"{self.tally.lost:,} requests were lost, and their samples have no value: the "
                "same command asks for them again"
            )
        counts = {name: value for name, value in asdict(self.tally).items() if name != "served"}
        self.report(
            {
                "event": "evaluated",
                **counts,
                "verdicts_asked": verdicts.asked,
                "verdicts_reused": verdicts.reused,
                "judge": None if judge is None else judge.budget.record(),
                "damaged": damaged,
            }
        )


class JudgingProgress(PassProgress):
    """The progress of a pass in which a judge reads what was answered before."""

    def __init__(self, report: Reporter, total: int) -> None:
        super().__init__(report)
        self._phase = PhaseProgress(report, "judging", total)

    def begin(self, key: Key) -> None:  # noqa: ARG002 - pairs are not told apart
        """Report the beginning of the pass."""
        if not self._phase.done:
            self._phase.step(0)

    def add(self, key: Key, statuses: Sequence[str], tally: Tally) -> None:
        """Count a judged sample."""
        super().add(key, statuses, tally)
        self._phase.step(len(statuses))


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

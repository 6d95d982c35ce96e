"""The notes, counts and final figures that an evaluation reports."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field

from harness.evaluate.client.cached_client import Tally
from harness.evaluate.client.job import EvalJob
from harness.evaluate.client.loading import LoadedSuite
from harness.evaluate.client.task import Task
from harness.evaluate.judge.judge import Judge
from harness.evaluate.loop.evaluation_progress import EvaluationProgress, JudgingProgress
from harness.progress.events import Reporter
from harness.progress.throughput import Pair


@dataclass(slots=True)
class ProgressReporter:
    """The progress of an evaluation with its tally, and the receiver of its events."""

    report: Reporter
    progress: EvaluationProgress | JudgingProgress
    tally: Tally = field(default_factory=Tally)

    def note(self, text: str) -> None:
        """Report a line that people should read."""
        self.report({"event": "note", "text": text})

    def starting(self, name: str) -> None:
        """Report that an engine starts, which takes a while."""
        self.note(f"starting {name}")

    def engine_starts(self, name: str) -> None:
        """Report that the engine that answers starts; time stands still until it is ready."""
        self.progress.stopwatch.stop()
        self.starting(name)

    def engine_gone(self, reason: str) -> None:
        """Report that the engine that answers died and will be started again."""
        self.note(f"the engine died: {reason}; requests in flight are asked again")

    def generated(self) -> tuple[int, float]:
        """Return the tokens so far, and the seconds with an engine ready."""
        return self.tally.tokens, self.progress.stopwatch.seconds

    def begin(self, task: Task) -> None:
        """Count a sample as begun."""
        self.progress.begin(task.key)

    def add(self, task: Task, statuses: Sequence[str], tally: Tally) -> None:
        """Count a finished sample: the statuses of its repeats, and the tally of its requests."""
        self.tally.add(tally)
        self.progress.add(task.key, statuses, tally)

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


def pairs_of(job: EvalJob, loaded: Sequence[LoadedSuite]) -> Iterator[Pair]:
    """Yield every suite with every checkpoint, in the order of suites, with nothing done yet."""
    for item in loaded:
        for name in job.models:
            yield Pair(item.suite.name, name, len(item.samples) * job.repeats)


def report_notes(job: EvalJob, loaded: Sequence[LoadedSuite], report: Reporter) -> None:
    """Report repeats without effect, and metrics that the data folder cannot give."""
    greedy = [item.suite.name for item in loaded if item.suite.sampling.decoding.temperature == 0]
    notes = [(item.suite.name, item.suite.metrics.note(job.data_dir)) for item in loaded]
    texts = [f"{name}: {note}" for name, note in notes if note]
    if job.repeats > 1 and greedy:
        texts.insert(
            0,
            f"{', '.join(greedy)}: {job.repeats} answers at temperature 0 are all the same; set "
            "evaluate.decoding.temperature",
        )
    for text in texts:
        report({"event": "note", "text": text})

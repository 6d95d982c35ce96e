"""How far an evaluation is, told to whoever must hear of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.evaluate.client.cached_client import Tally
from harness.evaluate.client.task import Task
from harness.evaluate.loop.evaluation_progress import EvaluationProgress, JudgingProgress
from harness.progress.events import Reporter


@dataclass(slots=True)
class Board:
    """How far an evaluation is, and who must hear of it."""

    report: Reporter
    standings: EvaluationProgress | JudgingProgress
    tally: Tally = field(default_factory=Tally)

    def starting(self, what: str) -> None:
        """Tell that an engine starts, which takes a while."""
        self.note(f"starting {what}")

    def engine_starts(self, name: str) -> None:
        """The engine that answers starts: nothing is generated until it is ready."""
        self.standings.watch.stop()
        self.starting(name)

    def engine_gone(self, reason: str) -> None:
        """The engine that answers is gone, and will be started again."""
        self.note(f"the engine is gone: {reason}; what was in flight is asked again")

    def note(self, text: str) -> None:
        """Tell something that people should know."""
        self.report({"event": "note", "text": text})

    def generated(self) -> tuple[int, float]:
        """Tokens so far, and the seconds with an engine ready."""
        return self.tally.tokens, self.standings.watch.seconds

    def begin(self, task: Task) -> None:
        """Note that a sample is taken up."""
        self.standings.begin((task.suite.name, task.model.name))

    def add(self, task: Task, statuses: Sequence[str], asked: Tally) -> None:
        """Note a finished sample: its repeats' statuses, and what was asked for them."""
        self.tally.add(asked)
        self.standings.add((task.suite.name, task.model.name), statuses, asked)

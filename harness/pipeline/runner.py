"""Stages run one after another, each shown with its number."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.pipeline.launch import launch
from harness.pipeline.stages import Stage
from harness.progress.screen import Screen


@dataclass(slots=True)
class StageRunner:
    """Runs stages one after another and shows each with its number.

    Attributes:
        screen: shows stages and their events.
        total: the number of stages.
        number: of the stage that began last.
        events: of the stages, except progress.
    """

    screen: Screen
    total: int
    number: int = 0
    events: list[Mapping[str, Any]] = field(default_factory=list)

    def report(self, event: Mapping[str, Any]) -> None:
        """Show an event, and keep it unless it is progress."""
        if event["event"] not in ("progress", "evaluating", "log", "speed"):
            self.events.append(dict(event))
        self.screen(event)

    def perform(self, stage: Stage) -> None:
        """Run a stage unless it is done; the screen shows which of the two.

        Raises:
            UserError, RunFailed: as the stage's process classified it.
        """
        self.number += 1
        if stage.done:
            stage.adopt()
            self.screen.skipped(self.number, self.total, stage.title)
            return
        self.screen.stage(self.number, self.total, stage.title)
        launch(stage.kind, stage.folder, stage.key, stage.plain_job, self.report, stage.processes)
        self.screen.ended(self.number, self.total, stage.title)

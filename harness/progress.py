"""Progress that people can read: bars in a terminal, plain lines elsewhere, nothing if quiet."""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from harness.counts import data_lines

_PLAIN_EVERY_S = 15.0


class Screen(Protocol):
    """Where a pipeline shows what is running; a context manager and an event listener."""

    def __enter__(self) -> Self:
        """Start showing."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop showing."""

    def stage(self, number: int, of: int, title: str) -> None:
        """A stage begins."""

    def skipped(self, number: int, of: int, title: str) -> None:
        """A stage was done already."""

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Show an event of the running stage."""


class Quiet:
    """Shows nothing."""

    def __enter__(self) -> Self:
        """Start."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""

    def stage(self, number: int, of: int, title: str) -> None:
        """A stage begins."""

    def skipped(self, number: int, of: int, title: str) -> None:
        """A stage was done already."""

    def __call__(self, event: Mapping[str, Any]) -> None:
        """An event."""


class Plain(Quiet):
    """One line now and then, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last = 0.0
        self._began: dict[str, tuple[float, int]] = {}

    def stage(self, number: int, of: int, title: str) -> None:
        """A stage begins."""
        self._began = {}
        self._console.print(f"[{number}/{of}] {title}", markup=False)

    def skipped(self, number: int, of: int, title: str) -> None:
        """A stage was done already."""
        self._console.print(f"[{number}/{of}] {title}: done already", markup=False)

    def __call__(self, event: Mapping[str, Any]) -> None:
        """An event: notes and counts at once, progress every quarter of a minute and at the end."""
        if event["event"] == "note":
            self._console.print(f"      {event['text']}", markup=False)
        if event["event"] == "data":
            for line in data_lines(event):
                self._console.print(f"      {line}", markup=False, highlight=False, soft_wrap=True)
        if event["event"] != "progress":
            return
        now = time.monotonic()
        phase, done, total = event["phase"], event["done"], event["total"]
        if phase not in self._began or done < self._began[phase][1]:
            self._began[phase], self._last = (now, done), now
        if done < total and now - self._last < _PLAIN_EVERY_S:
            return
        self._last = now
        began, first = self._began[phase]
        left = (now - began) / max(done - first, 1) * (total - done)
        ending = f", {now - began:.0f} s" if done >= total else f", about {left:.0f} s left"
        self._console.print(f"      {describe(event)}: {done}/{total}{ending}", markup=False)


class Bars:
    """A bar for the stages, and one for each phase of what is running, with the time left."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self._all: TaskID | None = None
        self._title = ""
        self._phases: dict[str, TaskID] = {}
        self._done: dict[str, int] = {}

    def __enter__(self) -> Self:
        """Start showing."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the running bars away, leave the one of the stages."""
        self._clear()
        self._progress.stop()

    def stage(self, number: int, of: int, title: str) -> None:
        """A stage begins."""
        self._advance(number, of)
        self._clear()
        self._title = title
        self._phases["starting"] = self._progress.add_task(f"{title}: starting", total=None)

    def skipped(self, number: int, of: int, title: str) -> None:
        """A stage was done already."""
        self._advance(number, of)
        self._progress.console.print(f"{title}: done already", style="dim", markup=False)

    def __call__(self, event: Mapping[str, Any]) -> None:
        """An event: its phase's bar follows it."""
        if event["event"] == "note":
            self._progress.console.print(event["text"], style="dim", markup=False)
        if event["event"] == "data":
            for line in data_lines(event):
                self._progress.console.print(line, style="dim", markup=False, highlight=False)
        if event["event"] != "progress":
            return
        starting = self._phases.pop("starting", None)
        if starting is not None:
            self._progress.remove_task(starting)
        phase, done, total = event["phase"], event["done"], event["total"]
        if phase not in self._phases:
            self._phases[phase] = self._progress.add_task("", total=total)
        elif done < self._done[phase]:
            self._progress.reset(self._phases[phase], total=total)
        self._done[phase] = done
        text = f"{self._title}: {describe(event)}"
        self._progress.update(self._phases[phase], description=text, completed=done, total=total)

    def _clear(self) -> None:
        for task in self._phases.values():
            self._progress.remove_task(task)
        self._phases, self._done = {}, {}

    def _advance(self, number: int, of: int) -> None:
        if self._all is None:
            self._all = self._progress.add_task("stages", total=of)
        self._progress.update(self._all, completed=number - 1)


def describe(event: Mapping[str, Any]) -> str:
    """What is running, in a few words."""
    label = event.get("label") or event["phase"]
    tokens = event.get("tokens")
    return f"{label} ({tokens} tokens)" if tokens else str(label)


def screen(console: Console, *, quiet: bool) -> Screen:
    """The screen that suits this terminal."""
    if quiet:
        return Quiet()
    return Bars(console) if console.is_terminal else Plain(console)

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
        self._began = 0.0
        self._phase = ""

    def stage(self, number: int, of: int, title: str) -> None:
        """A stage begins."""
        self._last = 0.0
        self._phase = ""
        self._console.print(f"[{number}/{of}] {title}", markup=False)

    def skipped(self, number: int, of: int, title: str) -> None:
        """A stage was done already."""
        self._console.print(f"[{number}/{of}] {title}: done already", markup=False)

    def __call__(self, event: Mapping[str, Any]) -> None:
        """An event: notes at once, progress every quarter of a minute and at the end."""
        if event["event"] == "note":
            self._console.print(f"      {event['text']}", markup=False)
        if event["event"] != "progress":
            return
        now = time.monotonic()
        if event["phase"] != self._phase:
            self._phase, self._began, self._last = event["phase"], now, now
        finished = event["done"] >= event["total"]
        if finished or now - self._last >= _PLAIN_EVERY_S:
            self._last = now
            spent = now - self._began
            left = spent / max(event["done"], 1) * (event["total"] - event["done"])
            self._console.print(
                f"      {describe(event)}: {event['done']}/{event['total']}"
                + (f", {spent:.0f} s" if finished else f", about {left:.0f} s left"),
                markup=False,
            )


class Bars:
    """A bar for the stages, a bar for what is running, with the time left."""

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
        self._now: TaskID | None = None
        self._phase = ""

    def __enter__(self) -> Self:
        """Start showing."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Finish the bars and leave them on the screen."""
        if self._now is not None:
            self._progress.remove_task(self._now)
        self._progress.stop()

    def stage(self, number: int, of: int, title: str) -> None:
        """A stage begins."""
        self._advance(number, of)
        if self._now is not None:
            self._progress.remove_task(self._now)
        self._phase = ""
        self._now = self._progress.add_task(f"{title} (starting)", total=None)

    def skipped(self, number: int, of: int, title: str) -> None:
        """A stage was done already."""
        self._advance(number, of)
        self._progress.console.print(f"[dim]{title}: done already[/dim]")

    def __call__(self, event: Mapping[str, Any]) -> None:
        """An event: the running bar follows it."""
        if self._now is None or event["event"] not in ("progress", "note"):
            return
        if event["event"] == "note":
            self._progress.update(self._now, description=event["text"])
            return
        if event["phase"] != self._phase:
            self._phase = event["phase"]
            self._progress.reset(self._now, total=event["total"])
        self._progress.update(
            self._now, description=describe(event), completed=event["done"], total=event["total"]
        )

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

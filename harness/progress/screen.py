"""Progress that people can read, or programs: which screen shows what a pipeline is doing."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console

from harness.progress.live import Live
from harness.progress.plain import Plain


class Screen(Protocol):
    """A display of what a pipeline is running; a context manager and an event listener."""

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
        """Show that a stage begins."""

    def ended(self, number: int, of: int, title: str) -> None:
        """Show that the stage that began last is done."""

    def skipped(self, number: int, of: int, title: str) -> None:
        """Show that a stage was done already."""

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
        """Show nothing."""

    def ended(self, number: int, of: int, title: str) -> None:
        """Show nothing."""

    def skipped(self, number: int, of: int, title: str) -> None:
        """Show nothing."""

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Ignore an event."""


def screen(console: Console, *, quiet: bool) -> Screen:
    """Return the screen that suits this terminal, or its absence."""
    if quiet:
        return Quiet()
    return Live(console) if console.is_terminal and not console.is_dumb_terminal else Plain(console)

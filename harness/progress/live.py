"""Progress in a terminal: a small table that is drawn anew in place, finished things above it.

The table holds what runs and is never higher than the terminal. What ends becomes one permanent
line above it. The view is a frozen value that each event replaces, so that the thread which draws
sees one moment as a whole.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live as Drawing
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from harness.progress.throughput import EvaluationProgress, Phase, pair_left, pair_rate, phase_after
from harness.progress.wording import (
    clipped,
    clock,
    event_lines,
    finished_line,
    newly_finished,
    per_second,
)

#: Rows of pairs at most; what more runs is counted.
_ROWS = 16
#: Lines of a terminal that the table leaves free.
_FREE = 6
_BAR = 12
_HEADINGS = ("done", "tokens/s", "left", "not ok", "lost")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `speed` is tokens a second, `left` seconds; None is not known."""

    title: str
    done: int
    total: int
    speed: float | None = None
    left: float | None = None
    not_ok: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class View:
    """The work that runs at one moment; `began` is the stage's start by the screen's clock."""

    title: str = ""
    began: float = 0.0
    phases: Mapping[str, Phase] = field(default_factory=dict)
    speed: float | None = None
    progress: EvaluationProgress = field(default_factory=EvaluationProgress)

    def after(self, event: Mapping[str, Any], now: float) -> Self:
        """Return the view after an event."""
        if event["event"] == "progress":
            name = event["phase"]
            phase = phase_after(self.phases.get(name), event, now)
            return replace(self, phases={**self.phases, name: phase})
        if event["event"] == "speed":
            return replace(self, speed=event["tokens_per_second"])
        if event["event"] == "evaluating":
            return replace(self, progress=self.progress.after(event))
        return self


class Live:
    """Draws a view four times a second.

    Args:
        console: a terminal.
        now: a clock in seconds that never jumps.
    """

    def __init__(self, console: Console, now: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._now = now
        self._view = View()
        self._drawing = Drawing(
            console=console, get_renderable=self._drawn, refresh_per_second=4, transient=True
        )

    def __enter__(self) -> Self:
        """Start drawing."""
        self._drawing.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the table away; permanent lines stay."""
        self._view = View()
        self._drawing.stop()

    def stage(self, number: int, of: int, title: str) -> None:
        """Show that a stage begins."""
        self._view = View(f"[{number}/{of}] {title}", self._now())

    def ended(self, number: int, of: int, title: str) -> None:
        """Take the table away and show that the stage is done."""
        took, self._view = self._now() - self._view.began, View()
        self._print(f"[{number}/{of}] {title}: done in {clock(took)}")

    def skipped(self, number: int, of: int, title: str) -> None:
        """Show that a stage was done already."""
        self._print(f"[{number}/{of}] {title}: done already")

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Show an event: words become permanent lines, counts change the table."""
        for line in event_lines(event):
            self._print(line)
        old, self._view = self._view, self._view.after(event, self._now())
        for pair in newly_finished(old.progress, self._view.progress):
            self._print(finished_line(pair, self._console.width))

    def _print(self, line: str) -> None:
        self._console.print(line, style="dim", markup=False, highlight=False)

    def _drawn(self) -> RenderableType:
        size = self._console.size
        return drawn(self._view, self._now(), size.width, size.height)


def drawn(view: View, now: float, width: int, height: int) -> RenderableType:
    """Return the table of a view, for a terminal of so many columns and lines."""
    if not view.title:
        return Text()
    rows = list(rows_of(view, now))
    shown = rows[: max(2, min(_ROWS, height - _FREE))]
    title = f"{view.title}  {clock(now - view.began)}"
    # All pairs count, not only those that run: columns stay where they are as pairs come and go.
    longest = max(map(len, (title, *(pair.title for pair in view.progress.pairs.values()))))
    room = min(longest, _room(shown, width))
    return _table(title, shown, _unseen(view, rows, shown), room)


def rows_of(view: View, now: float) -> Iterator[Row]:
    """Phases that are under way; then the whole evaluation, and each pair that runs."""
    for name, phase in view.phases.items():
        if phase.done < phase.total:
            speed = view.speed if name == "train" else None
            yield Row(name, phase.done, phase.total, speed, phase.left(now))
    progress = view.progress
    if not progress.pairs:
        return
    pairs = progress.pairs.values()
    failed = sum(pair.not_ok for pair in pairs), sum(pair.lost for pair in pairs)
    yield Row("all", progress.done, progress.total, progress.rate, progress.left, *failed)
    for pair in pairs:
        if pair.running:
            speed, left = pair_rate(pair), pair_left(pair)
            yield Row(pair.title, pair.done, pair.total, speed, left, pair.not_ok, pair.lost)


def _unseen(view: View, rows: list[Row], shown: list[Row]) -> str:
    """Count in words the pairs without a row: running ones that do not fit, waiting ones."""
    more = len(rows) - len(shown)
    waiting = sum(not pair.begun for pair in view.progress.pairs.values())
    parts = (f"{more} more running" if more else "", f"{waiting} waiting" if waiting else "")
    return ", ".join(part for part in parts if part)


def _used(rows: list[Row]) -> list[int]:
    """Columns in which some row has anything."""
    cells = [_cells(row) for row in rows]
    return [i for i in range(len(_HEADINGS)) if any(line[i] for line in cells)]


def _room(rows: list[Row], width: int) -> int:
    """Columns of the terminal that are left for titles."""
    cells = [_HEADINGS, *(_cells(row) for row in rows)]
    taken = sum(max(len(line[i]) for line in cells) + 2 for i in _used(rows))
    return max(8, width - taken - _BAR - 2)


def _table(title: str, rows: list[Row], note: str, room: int) -> RenderableType:
    used = _used(rows)
    table = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True, width=room)
    table.add_column(no_wrap=True, width=_BAR)
    for _ in used:
        table.add_column(justify="right", no_wrap=True)
    headings = (Text(_HEADINGS[i], "dim") for i in used)
    table.add_row(Text(clipped(title, room), "bold"), "", *headings)
    for row in rows:
        bar = ProgressBar(max(row.total, 1), row.done, width=_BAR)
        cells = _cells(row)
        table.add_row(Text(clipped(row.title, room)), bar, *(Text(cells[i]) for i in used))
    return Group(table, Text(note, "dim")) if note else table


def _cells(row: Row) -> tuple[str, ...]:
    return (
        f"{row.done:,}/{row.total:,}",
        per_second(row.speed),
        "" if row.left is None else clock(row.left),
        f"{row.not_ok:,}" if row.not_ok else "",
        f"{row.lost:,}" if row.lost else "",
    )

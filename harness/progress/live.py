"""Progress in a terminal: a small table that is drawn anew in place, finished things above it.

The table holds what runs and is never higher than the terminal. What ends becomes one permanent
line above it. The view is a frozen value that each event replaces, so that the thread which draws
sees one moment as a whole.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live as Drawing
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from harness.progress.screen import Plain, Screen
from harness.progress.throughput import EvaluationProgress, Pair, Phase, View
from harness.progress.wording import clipped, clock, lasting_lines, per_second, stage_line

#: Rows of pairs at most; what more runs is counted.
_ROWS = 16
#: Lines of a terminal that the table leaves free.
_FREE = 6
_BAR = 12
_HEADINGS = ("done", "tokens/s", "left", "not ok", "lost")


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the table: a title, a bar, and the texts under `_HEADINGS`."""

    title: str
    done: int
    total: int
    cells: tuple[str, ...]


class Live(Screen):
    """Draws a view in a terminal four times a second; `now` is a clock that never jumps."""

    def __init__(self, console: Console, now: Callable[[], float] = time.monotonic) -> None:
        self._console, self._now, self._view = console, now, View()
        self._drawing = Drawing(
            console=console,
            get_renderable=lambda: drawn(self._view, self._now(), *console.size),
            refresh_per_second=4,
            transient=True,
        )

    def __enter__(self) -> Self:
        """Start drawing."""
        self._drawing.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the table away; permanent lines stay."""
        self._view = View()
        self._drawing.stop()

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Show an event: words become permanent lines, counts change the table."""
        old, now = self._view, self._now()
        self._view = old.after(event, now)
        stage = stage_line(event, now - old.began)
        lasting = lasting_lines(event, old.progress, self._view.progress, self._console.width)
        for line in (stage, *lasting) if stage else lasting:
            self._console.print(line, style="dim", markup=False, highlight=False)


def drawn(view: View, now: float, width: int, height: int) -> RenderableType:
    """Return the table of a view, for a terminal of so many columns and lines."""
    if not view.title:
        return Text()
    rows = list(_rows(view, now))
    shown = rows[: max(2, min(_ROWS, height - _FREE))]
    title = f"{view.title}  {clock(now - view.began)}"
    # All pairs count, not only those that run: columns stay where they are as pairs come and go.
    longest = max(map(len, (title, *(pair.title for pair in view.progress.pairs.values()))))
    used = [i for i in range(len(_HEADINGS)) if any(row.cells[i] for row in shown)]
    lines = [_HEADINGS, *(row.cells for row in shown)]
    taken = sum(max(len(line[i]) for line in lines) + 2 for i in used)
    table = _table(title, shown, used, min(longest, max(8, width - taken - _BAR - 2)))
    # Pairs without a row are counted: running ones that do not fit, and waiting ones.
    waiting = sum(not pair.begun for pair in view.progress.pairs.values())
    unseen = {"more running": len(rows) - len(shown), "waiting": waiting}
    note = ", ".join(f"{count} {text}" for text, count in unseen.items() if count)
    return Group(table, Text(note, "dim")) if note else table


def _rows(view: View, now: float) -> Iterator[_Row]:
    """Yield phases that are under way; then the whole evaluation, and each pair that runs."""
    for name, phase in view.phases.items():
        if phase.done < phase.total:
            speed = view.speed if name == "train" else None
            yield _row(name, phase, speed, phase.left(now))
    progress = view.progress
    if not progress.pairs:
        return
    failed = progress.count("not_ok"), progress.count("lost")
    yield _row("all", progress, progress.rate, progress.left, *failed)
    for pair in progress.pairs.values():
        if pair.running:
            yield _row(pair.title, pair, pair.rate, pair.left, pair.not_ok, pair.lost)


def _row(
    title: str,
    work: Phase | EvaluationProgress | Pair,
    speed: float | None,
    left: float | None,
    *failed: int,
) -> _Row:
    """Return a line; `failed` are samples that the model failed, and those that we failed."""
    count = f"{work.done:,}/{work.total:,}"
    time_left = "" if left is None else clock(left)
    failures = (f"{number:,}" if number else "" for number in failed or (0, 0))
    return _Row(title, work.done, work.total, (count, per_second(speed), time_left, *failures))


def _table(title: str, rows: list[_Row], used: list[int], room: int) -> Table:
    """Return a table of the columns in use, with `room` characters for titles."""
    table = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True, width=room)
    table.add_column(no_wrap=True, width=_BAR)
    for _ in used:
        table.add_column(justify="right", no_wrap=True)
    headings = (Text(_HEADINGS[i], "dim") for i in used)
    table.add_row(Text(clipped(title, room), "bold"), "", *headings)
    for row in rows:
        bar = ProgressBar(max(row.total, 1), row.done, width=_BAR)
        cells = (Text(row.cells[i]) for i in used)
        table.add_row(Text(clipped(row.title, room)), bar, *cells)
    return table


def screen(console: Console, *, quiet: bool) -> Screen:
    """Return the screen that suits this terminal, or its absence."""
    if quiet:
        return Screen()
    return Live(console) if console.is_terminal and not console.is_dumb_terminal else Plain(console)

"""One typed table, and its rendering for the terminal.

A table holds text for people and, apart from it, `records`: raw numbers for programs. Files are
written by `harness.report.tables.formats`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.console import RenderableType

Raw = str | int | float | None

#: Shown in place of a number that does not exist.
NONE = "–"
#: Shown in place of an interval that cannot be estimated.
NO_INTERVAL = f"[{NONE}]"
#: Marks of a significant difference and of any other.
CLEAR, UNCLEAR = "*", "~"


@dataclass(frozen=True, slots=True)
class Heading:
    """A column's header (a line break splits it) and how its cells are aligned."""

    text: str
    align: Literal["left", "right"] = "right"


@dataclass(frozen=True, slots=True)
class Table:
    """A table: text cells by row, notes under it, and the raw numbers behind it.

    A line break splits a cell. `records` has one mapping a CSV line, all with the same keys; None
    is an empty field. `ranks` has (row, column) of the best (1) and the second (2) value of a
    column.
    """

    title: str
    headings: tuple[Heading, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    records: tuple[Mapping[str, Raw], ...] = ()
    ranks: Mapping[tuple[int, int], int] = field(default_factory=dict)


def best_two(values: Mapping[int, float]) -> dict[int, int]:
    """Return rows of the best value (1) and of the second (2); none where all are equal."""
    order = sorted(set(values.values()), reverse=True)
    ranks = {value: rank for rank, value in enumerate(order[:2], start=1) if len(order) > 1}
    return {row: ranks[value] for row, value in values.items() if value in ranks}


def terminal(table: Table, width: int = 100) -> "RenderableType":
    """Return a rich renderable, split into blocks of columns no wider than `width`."""
    from rich.console import Group
    from rich.table import Table as Grid
    from rich.text import Text

    lines = any("\n" in cell for row in table.rows for cell in row)
    blocks = []
    for number, indexes in enumerate(_blocks(table, width)):
        title = Text(table.title, style="bold") if not number else None
        grid = Grid(title=title, title_justify="left", header_style="bold", show_lines=lines)
        for i in indexes:
            heading = table.headings[i]
            grid.add_column(Text(heading.text), justify=heading.align, no_wrap=True)
        for row in table.rows:
            grid.add_row(*(Text(row[i], style=_style(row[i])) for i in indexes))
        blocks.append(grid)
    return Group(*blocks, *(Text(note) for note in table.notes))


def _blocks(table: Table, width: int) -> Iterator[list[int]]:
    """Yield the column indexes of each block; every block has the first column."""
    widths = [
        max(len(line) for text in (heading.text, *cells) for line in text.split("\n")) + 3
        for heading, *cells in zip(table.headings, *table.rows, strict=True)
    ]
    block, used = [0], widths[0] + 1
    for i in range(1, len(widths)):
        if used + widths[i] > width and len(block) > 1:
            yield block
            block, used = [0], widths[0] + 1
        block.append(i)
        used += widths[i]
    yield block


def _style(text: str) -> str:
    if text.endswith(CLEAR):
        return "bold"
    return "dim" if text == NONE else ""

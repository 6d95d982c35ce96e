"""One typed table, rendered for the terminal, as Markdown, CSV and JSON.

A table holds text for people and, apart from it, `records`: raw numbers for programs. LaTeX and
HTML have modules of their own, `harness.report.tables.formats` knows all of them by name.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
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

    Attributes:
        title: above the table.
        headings: one a column.
        rows: text cells; a line break splits a cell.
        notes: lines under the table.
        records: one mapping a CSV line, all with the same keys; None is an empty field.
        ranks: (row, column) of the best (1) and the second (2) value of a column.
    """

    title: str
    headings: tuple[Heading, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    records: tuple[Mapping[str, Raw], ...] = ()
    ranks: Mapping[tuple[int, int], int] = field(default_factory=dict)


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


def markdown(table: Table) -> str:
    """Write the table as GitHub-flavoured Markdown with its title and notes."""
    lines = [
        f"**{_escaped(table.title)}**",
        "",
        _piped([heading.text for heading in table.headings]),
        _piped(["---" if h.align == "left" else "---:" for h in table.headings]),
        *(_piped(row) for row in table.rows),
    ]
    for note in table.notes:
        lines += ["", _escaped(note)]
    return "\n".join(lines) + "\n"


def to_csv(table: Table) -> str:
    """Write the records as CSV; 12 significant digits, fractions as fractions."""
    out = io.StringIO()
    if table.records:
        writer = csv.DictWriter(out, list(table.records[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(_rounded, table.records))
    return out.getvalue()


def to_json(table: Table) -> str:
    """Write title, cells, notes and records (12 significant digits) as one JSON object."""
    document = {
        "title": table.title,
        "columns": [heading.text for heading in table.headings],
        "rows": table.rows,
        "notes": table.notes,
        "records": [_rounded(record) for record in table.records],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _rounded(record: Mapping[str, Raw]) -> dict[str, Raw]:
    """Drop the last digits, which depend on the processor's order of additions."""
    return {
        key: float(f"{value:.12g}") if isinstance(value, float) else value
        for key, value in record.items()
    }


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


def _piped(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_escaped, cells))} |"


def _escaped(text: str) -> str:
    """Escape text for Markdown; line breaks become `<br>`."""
    for mark in ("\\", "|", "*", "~", "<"):
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\n", "<br>")

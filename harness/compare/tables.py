"""One typed table, rendered for the terminal, as Markdown and as CSV.

A table holds text for people and, apart from it, `records`: raw numbers for programs. Fractions
become percent here and nowhere else.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.compare.comparison import AVERAGE, Cell, Column, Comparison, verdict
from harness.compare.likelihood import Likelihood, prompts_named
from harness.statistics import Interval, Mean

if TYPE_CHECKING:
    from rich.console import RenderableType

Raw = str | int | float | None

#: Stands where there is no number.
NONE = "–"
#: Stands in place of an interval that cannot be estimated.
NO_INTERVAL = f"[{NONE}]"
#: Marks a difference that can be told apart from zero, and one that cannot.
CLEAR, UNCLEAR = "*", "~"
_LIKELIHOOD_NOTE = (
    "mean ± standard error over {prompts} of a response's summed log-probability, "
    "against the model at step 0; margin is best minus worst; rose: prompts whose best response did"
)


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
    """

    title: str
    headings: tuple[Heading, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    records: tuple[Mapping[str, Raw], ...] = ()


def comparison_table(comparison: Comparison) -> Table:
    """Scores with intervals and differences from the baseline; the verdict is the first note.

    With one suite the difference and the generated tokens stand in columns of their own, with
    several the difference stands under the score.
    """
    columns = comparison.columns
    alone = columns[0] if len(columns) == 1 else None
    headings = _alone_headings(comparison, alone) if alone else _headings(comparison)
    return Table(
        title=f"{comparison.recipe}: scores with 95 % intervals",
        headings=(Heading("checkpoint", "left"), *headings),
        rows=tuple(
            (name, *(_alone(alone, row[0]) if alone else _stacked(columns, row)))
            for name in comparison.checkpoints
            if (row := comparison.row(name))
        ),
        notes=tuple(_notes(comparison)),
        records=tuple(_record(cell) for cell in comparison.cells.values()),
    )


def likelihood_table(rows: Sequence[Likelihood]) -> Table:
    """Change in log-probability of best and worst response, by checkpoint.

    Args:
        rows: what `harness.likelihood.likelihood` gave.
    """
    prompts = prompts_named(rows)
    headings = ("best, nats", "worst, nats", "margin, nats", "rose, %", "n")
    return Table(
        title=f"{prompts}: change in log-probability since step 0",
        headings=(Heading("checkpoint", "left"), *map(Heading, headings)),
        rows=tuple(
            (
                row.checkpoint,
                *(_change(mean) for mean in (row.best, row.worst, row.margin)),
                NONE if row.rose is None else f"{100 * row.rose:.0f}",
                str(row.best.n),
            )
            for row in rows
        ),
        notes=(_LIKELIHOOD_NOTE.format(prompts=prompts),),
        records=tuple(_likelihood_record(row) for row in rows),
    )


def terminal(table: Table, width: int = 100) -> "RenderableType":
    """A rich renderable, split into blocks of columns where one would be wider than `width`."""
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
    """A GitHub-flavoured Markdown table with its title and notes."""
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
    """The records as CSV with a header line; numbers in full precision, fractions as fractions."""
    out = io.StringIO()
    if table.records:
        writer = csv.DictWriter(out, list(table.records[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table.records)
    return out.getvalue()


def _headings(comparison: Comparison) -> Iterator[Heading]:
    for column in comparison.columns:
        yield Heading(f"{column.suite}\n{_unit(column)}")


def _alone_headings(comparison: Comparison, column: Column) -> Iterator[Heading]:
    yield Heading(f"{column.suite}\n{_unit(column)}")
    points = "points" if column.fraction else column.headline
    yield Heading(f"against {comparison.baseline}\n{points}")
    yield Heading("tokens\nan answer")


def _unit(column: Column) -> str:
    return f"{column.headline}, %" if column.fraction else column.headline


def _alone(column: Column, cell: Cell | None) -> tuple[str, ...]:
    tokens = NONE if cell is None or cell.tokens is None else f"{cell.tokens:.1f}"
    return _score(column, cell), _difference(column, cell), tokens


def _stacked(columns: Sequence[Column], row: Sequence[Cell | None]) -> Iterator[str]:
    for column, cell in zip(columns, row, strict=True):
        score, difference = _score(column, cell), _difference(column, cell)
        yield score if difference == NONE else f"{score}\n{difference}"


def _score(column: Column, cell: Cell | None) -> str:
    if cell is None:
        return NONE
    if cell.value is None:
        return f"missing ({cell.n} of {cell.total})"
    return f"{column.scale * cell.value:.1f}{_range(cell.interval, column.scale, '.1f')}"


def _difference(column: Column, cell: Cell | None) -> str:
    if cell is None or cell.delta is None:
        return NONE
    mark = CLEAR if cell.significant else UNCLEAR
    bounds = _range(cell.delta.interval, column.scale, "+.1f")
    return f"{column.scale * cell.delta.delta:+.1f}{bounds}{mark}"


def _range(interval: Interval | None, scale: float, form: str) -> str:
    if interval is None:
        return f" {NO_INTERVAL}"
    return f" [{scale * interval.low:{form}}, {scale * interval.high:{form}}]"


def _change(mean: Mean) -> str:
    return f"{mean.value:+.1f}" + ("" if mean.error is None else f" ± {mean.error:.1f}")


def _notes(comparison: Comparison) -> Iterator[str]:
    yield verdict(comparison)
    yield from (f"Warning: {warning}" for warning in comparison.warnings)
    if any(cell.delta for cell in comparison.cells.values()):
        yield (
            f"{CLEAR} can be told apart from {comparison.baseline} (p < 0.05, paired by prompt, "
            f"Holm-corrected for all differences shown); {UNCLEAR} cannot."
        )
    if any(_lacks_interval(cell) for cell in comparison.cells.values()):
        yield (
            f"{NO_INTERVAL} no interval can be estimated: one value, or all are equal; an average "
            "needs one of every suite."
        )
    for column in comparison.columns:
        if column.suite != AVERAGE:
            yield from _counts(comparison, column)
            yield from _beside(comparison, column)


def _lacks_interval(cell: Cell) -> bool:
    if cell.value is None:
        return False
    return cell.interval is None or (cell.delta is not None and cell.delta.interval is None)


def _beside(comparison: Comparison, column: Column) -> Iterator[str]:
    """A suite's metrics other than its headline, such as pass@k: a note each."""
    cells = [c for name in comparison.checkpoints if (c := comparison.cell(name, column.suite))]
    for metric in dict.fromkeys(name for cell in cells for name in cell.beside):
        shown = (
            f"{cell.checkpoint} {column.scale * cell.beside[metric]:.1f}"
            for cell in cells
            if metric in cell.beside
        )
        unit = ", %" if column.fraction else ""
        yield f"{column.suite}, {metric}{unit}: {', '.join(shown)}"


def _counts(comparison: Comparison, column: Column) -> Iterator[str]:
    """What did not go well on a suite, one note: failures by checkpoint, and what is missing."""
    suite = column.suite
    cells = [c for name in comparison.checkpoints if (c := comparison.cell(name, suite))]
    failures = [f"{cell.checkpoint} {_failures(cell)}" for cell in cells if _failures(cell)]
    sizes = sorted({cell.total for cell in cells})
    prompts = " or ".join(map(str, sizes)) + (" prompt" if sizes == [1] else " prompts")
    yield f"{suite}: {prompts}" + (f"; not ok: {'; '.join(failures)}" if failures else "")
    if any(cell.n and cell.value is None for cell in cells):
        yield f"{suite}: nca compare RUN --allow-missing shows n of N, and the least and the most"
    for cell in cells:
        if cell.n < cell.total and cell.value is not None:
            stands = f"stands on {cell.n} of {cell.total}{_bounds(column, cell)}"
            yield f"{suite}: {cell.checkpoint} {stands}"


def _failures(cell: Cell) -> str:
    counts = ((s, n) for s, n in sorted(cell.statuses.items()) if s != "ok" and n)
    return ", ".join(f"{status} {count}" for status, count in counts)


def _bounds(column: Column, cell: Cell) -> str:
    if cell.bounds is None:
        return ""
    low, high = (column.scale * bound for bound in cell.bounds)
    return f" (between {low:.1f} and {high:.1f} whatever the missing ones are)"


def _record(cell: Cell) -> dict[str, Raw]:
    interval, delta = cell.interval, cell.delta
    bounds = delta.interval if delta else None
    return {
        "checkpoint": cell.checkpoint,
        "suite": cell.suite,
        "value": cell.value,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "delta": delta.delta if delta else None,
        "delta_low": bounds.low if bounds else None,
        "delta_high": bounds.high if bounds else None,
        "p": delta.p_value if delta else None,
        "p_holm": cell.p_holm,
        "test": delta.test if delta else None,
        "n": cell.n,
        "total": cell.total,
        "tokens": cell.tokens,
        "statuses": " ".join(f"{s}:{n}" for s, n in sorted(cell.statuses.items())),
    }


def _likelihood_record(row: Likelihood) -> dict[str, Raw]:
    record: dict[str, Raw] = {"checkpoint": row.checkpoint, "step": row.step}
    for name, mean in (("best", row.best), ("worst", row.worst), ("margin", row.margin)):
        record |= {name: mean.value, f"{name}_error": mean.error}
    return record | {"rose": row.rose, "n": row.best.n}


def _blocks(table: Table, width: int) -> Iterator[list[int]]:
    """Column indexes of each block, the first column in every one."""
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
    """Text that Markdown shows as it is; line breaks become `<br>`."""
    for mark in ("\\", "|", "*", "~", "<"):
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\n", "<br>")

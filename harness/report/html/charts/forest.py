"""Forest plots: the scores of a suite with 95 % intervals, one line per checkpoint."""

from collections.abc import Iterator

from markupsafe import Markup

from harness.report.html.charts.axes import Frame, across, frame, room_for
from harness.report.html.charts.svg import Look, around, bar, clipped, drawing, element, label, mark
from harness.report.tables.score_table import score_text
from harness.stats.cells import Cell, Column, Comparison

_WIDTH, _ROW = 380.0, 24.0
_LOOK = Look("c0", "o", "")


def forest(comparison: Comparison, column: Column) -> Markup | None:
    """Draw the plot of a suite; return None if no checkpoint has a value.

    Every mark has the class `told` (differs significantly from the baseline), `untold` or `base`,
    and gives its checkpoint and x in `data-checkpoint` and `data-x`, so that a script can redraw
    the plot for another baseline.
    """
    cells = [
        cell
        for name in comparison.checkpoints
        if (cell := comparison.cell(name, column.suite)) and cell.value is not None
    ]
    if not cells:
        return None
    names = [clipped(cell.checkpoint) for cell in cells]
    panel = frame(
        (_WIDTH, 50 + _ROW * len(cells)),
        around(column.scale * number for cell in cells for number in _numbers(cell)),
        (len(cells) - 0.5, -0.5),
        left=room_for(names),
    )
    return drawing(
        panel.width,
        panel.height,
        f"{column.suite}: {column.measure} with 95 % intervals",
        *across(panel, column.measure),
        _base_line(comparison, column, panel),
        *(_row(comparison, column, cell, i, panel) for i, cell in enumerate(cells)),
    )


def _numbers(cell: Cell) -> Iterator[float]:
    yield cell.value or 0.0
    if cell.interval:
        yield from (cell.interval.low, cell.interval.high)


def _base_line(comparison: Comparison, column: Column, panel: Frame) -> Markup:
    """Draw the dotted line at the baseline's value, which scripts move by its `transform`."""
    cell = comparison.cell(comparison.baseline, column.suite)
    shown = cell is not None and cell.value is not None
    at = panel.x(column.scale * (cell.value or 0.0)) if cell and shown else 0.0
    return element(
        "path",
        d=f"M0 {panel.y.end:.1f}V{panel.y.start:.1f}",
        class_="base-line",
        transform=f"translate({at:.2f} 0)",
        visibility="visible" if shown else "hidden",
    )


def _row(comparison: Comparison, column: Column, cell: Cell, row: int, panel: Frame) -> Markup:
    x, y = panel.x(column.scale * (cell.value or 0.0)), panel.y(row)
    kind = "told" if cell.significant else "untold"
    kind = "base" if cell.checkpoint == comparison.baseline else kind
    parts = [label(clipped(cell.checkpoint), panel.x.start - 8, y + 4, "end")]
    if cell.interval:
        low, high = (panel.x(column.scale * end) for end in (cell.interval.low, cell.interval.high))
        parts.append(bar(_LOOK, (low, high), y))
    tip = f"{cell.checkpoint}: {score_text(column, cell)}"
    parts.append(mark(_LOOK, x, y, tip))
    return element(
        "g", *parts, class_=f"entry {kind}", data_checkpoint=cell.checkpoint, data_x=x
    )  # fmt: skip

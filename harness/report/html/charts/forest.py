"""Forest plots: the scores of a suite with 95 % intervals, one line per checkpoint."""

from markupsafe import Markup

from harness.report.compare.plotted import ForestRow, forest_rows
from harness.report.html.charts.svg import (
    Frame,
    Look,
    across,
    around,
    bar,
    drawing,
    element,
    frame,
    mark,
    named,
    room_for,
)
from harness.report.tables.score_table import score_text
from harness.stats.cells import Column, Comparison

_WIDTH, _ROW = 380.0, 24.0
_LOOK = Look("c0", "o", "")
#: Kind of a row -> the class of its mark, which scripts and styles read.
_CLASSES = {"base": "base", "significant": "told", "unclear": "untold"}


def forest(comparison: Comparison, column: Column) -> Markup | None:
    """Draw the plot of a suite; return None if no checkpoint has a value.

    Every mark has the class `told` (differs significantly from the baseline), `untold` or `base`,
    and gives its checkpoint and x in `data-checkpoint` and `data-x`, so that a script can draw
    the same plot for another baseline.
    """
    rows = list(forest_rows(comparison, column))
    if not rows:
        return None
    panel = frame(
        (_WIDTH, 50 + _ROW * len(rows)),
        around(number for row in rows for number in (row.value, *(row.bounds or ()))),
        (len(rows) - 0.5, -0.5),
        left=room_for(row.cell.checkpoint for row in rows),
    )
    positions = [panel.x(row.value) for row in rows if row.kind == "base"]
    base_line = element(  # a script may move it by its `transform`
        "path",
        d=f"M0 {panel.y.end:.1f}V{panel.y.start:.1f}",
        class_="base-line",
        transform=f"translate({positions[0] if positions else 0.0:.2f} 0)",
        visibility="visible" if positions else "hidden",
    )
    return drawing(
        panel,
        f"{column.suite}: {column.measure} with 95 % intervals",
        *across(panel, column.measure),
        base_line,
        *(_entry(column, row, place, panel) for place, row in enumerate(rows)),
    )


def _entry(column: Column, row: ForestRow, place: int, panel: Frame) -> Markup:
    name, x, y = row.cell.checkpoint, panel.x(row.value), panel.y(place)
    parts = [named(panel, name, y)]
    if row.bounds:
        parts.append(bar(_LOOK, list(map(panel.x, row.bounds)), y))
    parts.append(mark(_LOOK, x, y, f"{name}: {score_text(column, row.cell)}"))
    kind = f"entry {_CLASSES[row.kind]}"
    return element("g", *parts, class_=kind, data_checkpoint=name, data_x=x)

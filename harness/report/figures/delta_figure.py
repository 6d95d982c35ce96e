"""A forest plot of paired differences from the baseline."""

from pathlib import Path
from typing import Any

from harness.report.figures.drawing import BLUE, GREY, grid, legend, panels_of, save, styled
from harness.stats.cells import Cell, Column, Comparison


def draw_deltas(comparison: Comparison, stem: Path) -> tuple[Path, ...]:
    """Draw differences from the baseline: a panel a suite, a line a checkpoint, 95 % bars.

    Filled points differ significantly from the baseline after correction, hollow ones do not.

    Returns:
        The files written; none when there is no difference to show.
    """
    rows = [name for name in comparison.checkpoints if name != comparison.baseline]
    columns = [
        column
        for column in comparison.columns
        if any((c := comparison.cell(name, column.suite)) and c.delta for name in rows)
    ]
    if not columns:
        return ()
    with styled():
        figure = panels_of(len(columns), 3.2, 1.3 + 0.34 * len(rows))
        for axes, column in zip(figure.axes, columns, strict=True):
            _panel(axes, comparison, column, rows)
        figure.axes[0].set_yticks(range(len(rows)), rows)
        _legend(figure, comparison.baseline)
        return save(figure, stem)


def _panel(axes: Any, comparison: Comparison, column: Column, rows: list[str]) -> None:
    axes.axvline(0, color=GREY, linewidth=0.9, linestyle=":", zorder=1)
    for row, name in enumerate(rows):
        cell = comparison.cell(name, column.suite)
        if cell is not None and cell.delta is not None:
            _difference(axes, row, cell, column.scale)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_title(column.suite, loc="left")
    unit = "points" if column.fraction else column.measure
    axes.set_xlabel(f"against {comparison.baseline}, {unit}")
    grid(axes, "x")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _difference(axes: Any, row: int, cell: Cell, scale: float) -> None:
    delta = cell.delta
    if delta is None:
        return
    if delta.interval:
        bounds = (scale * delta.interval.low, scale * delta.interval.high)
        axes.plot(bounds, (row, row), color=BLUE, linewidth=1.8, solid_capstyle="butt")
    axes.plot([scale * delta.delta], [row], color=BLUE, **_point(filled=cell.significant))


def _point(*, filled: bool) -> dict[str, Any]:
    face = BLUE if filled else "white"
    return {"marker": "o", "markersize": 6.5, "markerfacecolor": face, "markeredgewidth": 1.5}


def _legend(figure: Any, baseline: str) -> None:
    from matplotlib.lines import Line2D

    words = ((True, "differs significantly from"), (False, "does not differ significantly from"))
    handles = [Line2D([], [], color=BLUE, **_point(filled=filled)) for filled, _ in words]
    legend(figure, handles, [f"{text} {baseline}" for _, text in words])

"""Forest plots: scores, and paired differences from the baseline.

A figure without data is not drawn. Shape says the same as colour, for print.
"""

from pathlib import Path
from typing import Any

from harness.report.compare.plotted import ForestRow, forest_rows
from harness.report.figures.drawing import BLUE, GREY, draw_panels, grid, legend
from harness.stats.cells import Column, Comparison


def draw_scores(comparison: Comparison, stem: Path) -> tuple[Path, ...]:
    """Draw scores as a forest plot; return the files written, none when no cell has a value.

    There is a panel a suite and a line a checkpoint, with 95 % intervals. Filled points differ
    significantly from the baseline, hollow ones do not; the baseline is a square with a dotted
    line.
    """
    size = (3.4, 1.2 + 0.34 * len(comparison.checkpoints))
    return _draw(comparison, stem, size, deltas=False)


def draw_deltas(comparison: Comparison, stem: Path) -> tuple[Path, ...]:
    """Draw differences from the baseline; return the files written, none without a difference.

    There is a panel a suite and a line a checkpoint, with 95 % bars. Filled points differ
    significantly from the baseline after correction, hollow ones do not.
    """
    size = (3.2, 1.3 + 0.34 * (len(comparison.checkpoints) - 1))
    return _draw(comparison, stem, size, deltas=True)


def _draw(
    comparison: Comparison, stem: Path, size: tuple[float, float], *, deltas: bool
) -> tuple[Path, ...]:
    base = comparison.baseline
    names = [name for name in comparison.checkpoints if not deltas or name != base]
    panels = [
        (column, rows)
        for column in comparison.columns
        if (rows := list(forest_rows(comparison, column, deltas=deltas)))
    ]

    def draw(axes: Any, panel: tuple[Column, list[ForestRow]]) -> None:
        column, rows = panel
        label = column.measure
        if deltas:
            axes.axvline(0, color=GREY, linewidth=0.9, linestyle=":", zorder=1)
            label = f"against {base}, {'points' if column.fraction else label}"
        for row in rows:
            _draw_row(axes, row, names.index(row.cell.checkpoint))
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_title(column.suite, loc="left")
        axes.set_xlabel(label)
        grid(axes, "x")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)

    def finish(figure: Any) -> None:
        figure.axes[0].set_yticks(range(len(names)), names)
        _legend(figure, base, deltas=deltas)

    return draw_panels(stem, panels, draw, size, finish=finish)


def _draw_row(axes: Any, row: ForestRow, place: int) -> None:
    colour = GREY if row.kind == "base" else BLUE
    if row.kind == "base":
        axes.axvline(row.value, color=GREY, linewidth=0.9, linestyle=":", zorder=1)
    if row.bounds:
        axes.plot(row.bounds, (place, place), color=colour, linewidth=1.8, solid_capstyle="butt")
    axes.plot([row.value], [place], **_mark(row.kind))


def _mark(kind: str) -> dict[str, Any]:
    colour = GREY if kind == "base" else BLUE
    return {
        "color": colour,
        "marker": "s" if kind == "base" else "o",
        "markersize": 6.5,
        "markerfacecolor": "white" if kind == "unclear" else colour,
        "markeredgewidth": 1.5,
    }


def _legend(figure: Any, baseline: str, *, deltas: bool) -> None:
    from matplotlib.lines import Line2D

    labels = {
        "base": baseline,
        "significant": f"differs significantly from {baseline}",
        "unclear": f"does not differ significantly from {baseline}",
    }
    kinds = list(labels)[deltas:]
    legend(figure, {labels[kind]: Line2D([], [], **_mark(kind)) for kind in kinds})

"""Forest plots: scores, and paired differences from the baseline.

A figure without data is not drawn. Shape says the same as colour, for print.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.report.compare.forest import ForestRow, difference_rows, score_rows
from harness.report.figures.drawing import BLUE, GREY, grid, legend, panels_of, save, styled
from harness.stats.cells import Column, Comparison

_Panel = tuple[Column, tuple[ForestRow, ...]]


def draw_scores(comparison: Comparison, stem: Path) -> tuple[Path, ...]:
    """Draw scores as a forest plot: a panel a suite, a line a checkpoint, 95 % intervals.

    Filled points differ significantly from the baseline, hollow ones do not; the baseline is a
    square with a dotted line.

    Args:
        comparison: the scores.
        stem: path without suffix; `.png` and `.svg` are added.

    Returns:
        The files written; none when no cell has a value.
    """
    panels = [(c, rows) for c in comparison.columns if (rows := tuple(score_rows(comparison, c)))]
    if not panels:
        return ()
    names = comparison.checkpoints
    with styled():
        figure = panels_of(len(panels), 3.4, 1.2 + 0.34 * len(names))
        for axes, panel in zip(figure.axes, panels, strict=True):
            _panel(axes, panel, names, panel[0].measure)
        figure.axes[0].set_yticks(range(len(names)), names)
        _legend(figure, comparison.baseline, base=True)
        return save(figure, stem)


def draw_deltas(comparison: Comparison, stem: Path) -> tuple[Path, ...]:
    """Draw differences from the baseline: a panel a suite, a line a checkpoint, 95 % bars.

    Filled points differ significantly from the baseline after correction, hollow ones do not.

    Returns:
        The files written; none when there is no difference to show.
    """
    base = comparison.baseline
    names = [name for name in comparison.checkpoints if name != base]
    columns = comparison.columns
    panels = [(c, rows) for c in columns if (rows := tuple(difference_rows(comparison, c)))]
    if not panels:
        return ()
    with styled():
        figure = panels_of(len(panels), 3.2, 1.3 + 0.34 * len(names))
        for axes, panel in zip(figure.axes, panels, strict=True):
            axes.axvline(0, color=GREY, linewidth=0.9, linestyle=":", zorder=1)
            unit = "points" if panel[0].fraction else panel[0].measure
            _panel(axes, panel, names, f"against {base}, {unit}")
        figure.axes[0].set_yticks(range(len(names)), names)
        _legend(figure, base, base=False)
        return save(figure, stem)


def _panel(axes: Any, panel: _Panel, names: Sequence[str], label: str) -> None:
    column, rows = panel
    for row in rows:
        _draw_row(axes, row, names.index(row.cell.checkpoint))
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_title(column.suite, loc="left")
    axes.set_xlabel(label)
    grid(axes, "x")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _draw_row(axes: Any, row: ForestRow, place: int) -> None:
    colour = GREY if row.kind == "base" else BLUE
    if row.kind == "base":
        axes.axvline(row.value, color=GREY, linewidth=0.9, linestyle=":", zorder=1)
    if row.bounds:
        axes.plot(row.bounds, (place, place), color=colour, linewidth=1.8, solid_capstyle="butt")
    axes.plot([row.value], [place], color=colour, **_mark(row.kind))


def _mark(kind: str) -> dict[str, Any]:
    colour = GREY if kind == "base" else BLUE
    return {
        "marker": "s" if kind == "base" else "o",
        "markersize": 6.5,
        "markerfacecolor": "white" if kind == "unclear" else colour,
        "markeredgewidth": 1.5,
    }


def _legend(figure: Any, baseline: str, *, base: bool) -> None:
    from matplotlib.lines import Line2D

    labels = {
        "significant": f"differs significantly from {baseline}",
        "unclear": f"does not differ significantly from {baseline}",
    }
    if base:
        labels = {"base": baseline, **labels}
    handles = [
        Line2D([], [], color=GREY if kind == "base" else BLUE, **_mark(kind)) for kind in labels
    ]
    legend(figure, handles, list(labels.values()))

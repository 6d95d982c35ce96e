"""Two pictures from a result: scores with their intervals, and likelihoods over training.

A picture without data is not drawn (`harness.report.figures.drawing` says how one looks and is
written). Shape and line style say the same as colour, for print.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.report.compare.likelihood import Likelihood, trend
from harness.report.figures.drawing import BLUE, GREY, ORANGE, grid, legend, panels_of, save, styled
from harness.stats.cells import Cell, Column, Comparison
from harness.storage.result import Result


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
    columns = [
        column
        for column in comparison.columns
        if any(cell.value is not None for cell in _cells(comparison, column))
    ]
    if not columns:
        return ()
    with styled():
        figure = panels_of(len(columns), 3.4, 1.2 + 0.34 * len(comparison.checkpoints))
        for axes, column in zip(figure.axes, columns, strict=True):
            _forest(axes, comparison, column)
        figure.axes[0].set_yticks(range(len(comparison.checkpoints)), comparison.checkpoints)
        _forest_legend(figure, comparison.baseline)
        return save(figure, stem)


def draw_likelihood(result: Result, stem: Path) -> tuple[Path, ...]:
    """Change in log-probability of best and worst response over steps, one panel a checkpoint.

    Bands are one standard error over prompts.

    Args:
        result: the result of a run.
        stem: path without suffix; `.png` and `.svg` are added.

    Returns:
        The files written; none when no checkpoint was probed while training.
    """
    trends = [t for c in result.checkpoints if len(t := trend(c.name, c.probe)) > 1]
    if not trends:
        return ()
    with styled():
        figure = panels_of(len(trends), 2.6, 2.7)
        for axes, points in zip(figure.axes, trends, strict=True):
            _lines(axes, points)
        figure.axes[0].set_ylabel("change in log-probability, nats")
        legend(figure, *figure.axes[0].get_legend_handles_labels())
        return save(figure, stem)


def _cells(comparison: Comparison, column: Column) -> Iterator[Cell]:
    for name in comparison.checkpoints:
        if cell := comparison.cell(name, column.suite):
            yield cell


def _forest(axes: Any, comparison: Comparison, column: Column) -> None:
    for row, name in enumerate(comparison.checkpoints):
        cell = comparison.cell(name, column.suite)
        if cell is None or cell.value is None:
            continue
        _interval(axes, row, cell, column.scale, is_base=name == comparison.baseline)
    axes.set_ylim(len(comparison.checkpoints) - 0.5, -0.5)
    axes.set_title(column.suite, loc="left")
    axes.set_xlabel(column.measure)
    grid(axes, "x")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _forest_legend(figure: Any, baseline: str) -> None:
    from matplotlib.lines import Line2D

    looks = (
        (baseline, "s", GREY, GREY),
        (f"differs significantly from {baseline}", "o", BLUE, BLUE),
        (f"does not differ significantly from {baseline}", "o", BLUE, "white"),
    )
    handles = [
        Line2D([], [], color=edge, marker=marker, markerfacecolor=face, markeredgewidth=1.5)
        for _, marker, edge, face in looks
    ]
    legend(figure, handles, [label for label, *_ in looks])


def _interval(axes: Any, row: int, cell: Cell, scale: float, *, is_base: bool) -> None:
    colour = GREY if is_base else BLUE
    filled = is_base or cell.significant
    value = scale * (cell.value or 0.0)
    if is_base:
        axes.axvline(value, color=GREY, linewidth=0.9, linestyle=":", zorder=1)
    if cell.interval:
        bounds = (scale * cell.interval.low, scale * cell.interval.high)
        axes.plot(bounds, (row, row), color=colour, linewidth=1.8, solid_capstyle="butt")
    axes.plot(
        [value],
        [row],
        marker="s" if is_base else "o",
        markersize=6.5,
        markerfacecolor=colour if filled else "white",
        markeredgecolor=colour,
        markeredgewidth=1.5,
    )


def _lines(axes: Any, points: Sequence[Likelihood]) -> None:
    steps = [point.step for point in points]
    axes.axhline(0, color=GREY, linewidth=0.9, linestyle=":")
    for label, colour, style, marker in (("best", BLUE, "-", "o"), ("worst", ORANGE, "--", "s")):
        means = [getattr(point, label) for point in points]
        low = [m.value - (m.error or 0.0) for m in means]
        high = [m.value + (m.error or 0.0) for m in means]
        axes.fill_between(steps, low, high, color=colour, alpha=0.18, linewidth=0)
        axes.plot(
            steps,
            [m.value for m in means],
            color=colour,
            linestyle=style,
            marker=marker,
            markersize=3.5,
            linewidth=1.6,
            label=f"{label} response",
        )
    axes.set_title(points[0].checkpoint, loc="left")
    axes.set_xlabel("step")
    axes.xaxis.get_major_locator().set_params(integer=True)
    grid(axes, "y")

"""Two pictures from a result: scores with their intervals, and likelihoods over training.

Each is written as PNG and SVG, whole or not at all, with equal bytes from equal data. A picture
without data is not drawn. Colours are Okabe and Ito's, which colour-blind readers can tell apart;
shape and line style say the same again in print.
"""

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

from harness.compare import Cell, Column, Comparison
from harness.likelihood import Likelihood, trend
from harness.result import Result

_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#6E6E6E"
_SETTINGS = {
    "svg.hashsalt": "nca",
    "svg.fonttype": "none",
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "axes.edgecolor": _GREY,
    "xtick.color": "#333333",
    "ytick.color": "#333333",
}


def draw_scores(comparison: Comparison, stem: Path) -> tuple[Path, ...]:
    """A forest plot: one panel a suite, one line a checkpoint, points with 95 % intervals.

    Filled points can be told apart from the baseline, hollow ones cannot; the baseline is a
    square with a dotted line.

    Args:
        comparison: what `harness.compare.compare` gave.
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
    with _styled():
        figure = _figure(len(columns), 3.4, 1.2 + 0.34 * len(comparison.checkpoints))
        for axes, column in zip(figure.axes, columns, strict=True):
            _forest(axes, comparison, column)
        figure.axes[0].set_yticks(range(len(comparison.checkpoints)), comparison.checkpoints)
        _forest_legend(figure, comparison.baseline)
        return _save(figure, stem)


def draw_likelihood(result: Result, stem: Path) -> tuple[Path, ...]:
    """Change in log-probability of best and worst response over steps, one panel a checkpoint.

    Bands are one standard error over held-out prompts.

    Args:
        result: what a run found.
        stem: path without suffix; `.png` and `.svg` are added.

    Returns:
        The files written; none when no checkpoint was probed while training.
    """
    trends = [t for c in result.checkpoints if len(t := trend(c.name, c.probe)) > 1]
    if not trends:
        return ()
    with _styled():
        figure = _figure(len(trends), 2.6, 2.7)
        for axes, points in zip(figure.axes, trends, strict=True):
            _lines(axes, points)
        figure.axes[0].set_ylabel("change in log-probability, nats")
        _legend(figure, *figure.axes[0].get_legend_handles_labels())
        return _save(figure, stem)


def _cells(comparison: Comparison, column: Column) -> Iterator[Cell]:
    for name in comparison.checkpoints:
        if cell := comparison.cell(name, column.suite):
            yield cell


def _styled() -> AbstractContextManager[None]:
    """Our look, for the time of one drawing; the user's own settings file is not read."""
    from matplotlib import rc_context, rcParamsDefault

    defaults = {key: value for key, value in rcParamsDefault.items() if key != "backend"}
    return cast("AbstractContextManager[None]", rc_context({**defaults, **_SETTINGS}))


def _figure(panels: int, width: float, height: float) -> Any:
    """Panels side by side on one y axis; sizes in inches. No global state: pyplot is not used."""
    from matplotlib.figure import Figure

    # One narrow panel would cut the legend off.
    figure = Figure(figsize=(max(6.0, 0.9 + width * panels), height), layout="constrained")
    figure.subplots(1, panels, sharey=True, squeeze=False)
    return figure


def _forest(axes: Any, comparison: Comparison, column: Column) -> None:
    for row, name in enumerate(comparison.checkpoints):
        cell = comparison.cell(name, column.suite)
        if cell is None or cell.value is None:
            continue
        _interval(axes, row, cell, column.scale, is_base=name == comparison.baseline)
    axes.set_ylim(len(comparison.checkpoints) - 0.5, -0.5)
    axes.set_title(column.suite, loc="left")
    axes.set_xlabel(f"{column.headline}, %" if column.fraction else column.headline)
    axes.grid(axis="x", color="#E3E3E3", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _forest_legend(figure: Any, baseline: str) -> None:
    from matplotlib.lines import Line2D

    looks = (
        (baseline, "s", _GREY, _GREY),
        (f"can be told apart from {baseline}", "o", _BLUE, _BLUE),
        (f"cannot be told apart from {baseline}", "o", _BLUE, "white"),
    )
    handles = [
        Line2D([], [], color=edge, marker=marker, markerfacecolor=face, markeredgewidth=1.5)
        for _, marker, edge, face in looks
    ]
    _legend(figure, handles, [label for label, *_ in looks])


def _legend(figure: Any, handles: Sequence[Any], labels: Sequence[str]) -> None:
    figure.legend(
        handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, fontsize=8.5
    )


def _interval(axes: Any, row: int, cell: Cell, scale: float, *, is_base: bool) -> None:
    colour = _GREY if is_base else _BLUE
    filled = is_base or cell.significant
    value = scale * (cell.value or 0.0)
    if is_base:
        axes.axvline(value, color=_GREY, linewidth=0.9, linestyle=":", zorder=1)
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
    axes.axhline(0, color=_GREY, linewidth=0.9, linestyle=":")
    for label, colour, style, marker in (("best", _BLUE, "-", "o"), ("worst", _ORANGE, "--", "s")):
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
    axes.grid(axis="y", color="#E3E3E3", linewidth=0.8)
    axes.set_axisbelow(True)


def _save(figure: Any, stem: Path) -> tuple[Path, ...]:
    """Both formats without dates or versions in them, each renamed into place when whole."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    written = []
    for kind, metadata in (("png", {"Software": None}), ("svg", {"Date": None, "Creator": None})):
        data = io.BytesIO()
        figure.savefig(data, format=kind, dpi=160, metadata=metadata)
        path = stem.with_name(f"{stem.name}.{kind}")
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_bytes(data.getvalue())
        temporary.replace(path)
        written.append(path)
    return tuple(written)

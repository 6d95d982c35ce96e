"""Scores over training settings, and over the distance from the reference."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.report.compare.ablations import Line, ablation
from harness.report.figures.drawing import (
    GREY,
    Look,
    grid,
    legend,
    looks_of,
    panels_of,
    save,
    styled,
)
from harness.stats.cells import AVERAGE, Cell, Column, Comparison
from harness.storage.result import Result

#: Setting -> the label and the scale of its axis.
_AXES = {
    "responses": ("responses a prompt, K", "linear"),
    "beta": ("beta", "log"),
    "alpha": ("alpha", "log"),
}
_Panel = tuple[Column, str, tuple[Line, ...]]


def draw_ablation(
    result: Result, comparison: Comparison, stem: Path, settings: Sequence[str]
) -> tuple[Path, ...]:
    """Draw scores over settings: a panel a suite and setting, a line a method, 95 % bars.

    Where several seeds were trained a point is their mean and a bar runs from the smallest to the
    largest. The baseline is a dotted line.

    Returns:
        The files written; none where no setting was varied with all others equal.
    """
    panels: list[_Panel] = [
        (column, setting, lines)
        for column in comparison.columns
        if column.suite != AVERAGE
        for setting in settings
        if (lines := ablation(result, comparison, setting, column.suite))
    ]
    if not panels:
        return ()
    with styled():
        figure = panels_of(len(panels), 3.0, 3.0, sharey=False)
        looks = looks_of(dict.fromkeys(line.label for _, _, lines in panels for line in lines))
        for axes, panel in zip(figure.axes, panels, strict=True):
            _lines(axes, panel, looks)
            _baseline(axes, comparison, panel[0])
        _legend(figure)
        return save(figure, stem)


def draw_kl(result: Result, comparison: Comparison, stem: Path) -> tuple[Path, ...]:
    """Draw scores against KL from the reference: a panel a suite, a point a checkpoint.

    Colour and shape tell methods; crosses are 95 % intervals. The baseline, whose distance is
    zero by definition where it was not measured, is a square.

    Returns:
        The files written; none where no checkpoint has both.
    """
    panels = [
        (column, measure)
        for column in comparison.columns
        if (measure := _measure(comparison, column))
        and any(_both(comparison, name, column, measure) for name in comparison.checkpoints)
    ]
    if not panels:
        return ()
    with styled():
        figure = panels_of(len(panels), 3.6, 3.2, sharey=False)
        methods = {c.name: str((c.train or {}).get("method", "")) for c in result.checkpoints}
        looks = looks_of(dict.fromkeys(method for method in methods.values() if method))
        for axes, (column, measure) in zip(figure.axes, panels, strict=True):
            for name in comparison.checkpoints:
                pair = _both(comparison, name, column, measure)
                if pair and name != comparison.baseline:
                    look = looks.get(methods[name], (GREY, "X", "-"))
                    _cross(axes, pair, column.scale, look, methods[name] or name)
            _origin(axes, comparison, column, measure)
            axes.set_xlabel(f"{measure.suite}, nats")
            _named(axes, column)
            grid(axes, "both")
        _legend(figure)
        return save(figure, stem)


def _measure(comparison: Comparison, column: Column) -> Column | None:
    """Return the KL column of a suite: that of its prompts, or the only KL column."""
    measures = [c for c in comparison.columns if not c.ranked]
    if not column.ranked or column.suite == AVERAGE:
        return None
    own = [c for c in measures if c.suite == f"kl:{column.suite}"]
    if own:
        return own[0]
    return measures[0] if len(measures) == 1 else None


def _both(
    comparison: Comparison, name: str, column: Column, measure: Column
) -> tuple[Cell, Cell] | None:
    score, distance = comparison.cell(name, column.suite), comparison.cell(name, measure.suite)
    if score is None or distance is None or score.value is None or distance.value is None:
        return None
    return score, distance


def _cross(axes: Any, pair: tuple[Cell, Cell], scale: float, look: Look, label: str) -> None:
    score, distance = pair
    colour, marker, _ = look
    x, y = distance.value or 0.0, scale * (score.value or 0.0)
    if score.interval:
        bounds = [scale * score.interval.low, scale * score.interval.high]
        axes.plot([x, x], bounds, color=colour, linewidth=1.1)
    if distance.interval:
        axes.plot([distance.interval.low, distance.interval.high], [y, y], color=colour, lw=1.1)
    axes.plot([x], [y], color=colour, marker=marker, markersize=6.5, linestyle="", label=label)


def _origin(axes: Any, comparison: Comparison, column: Column, measure: Column) -> None:
    base = comparison.cell(comparison.baseline, column.suite)
    if base is None or base.value is None:
        return
    own = comparison.cell(comparison.baseline, measure.suite)
    at = own.value if own and own.value is not None else 0.0
    value = column.scale * base.value
    look = {"color": GREY, "linestyle": "", "marker": "s", "markersize": 6.5}
    axes.plot([at], [value], label=comparison.baseline, **look)


def _lines(axes: Any, panel: _Panel, looks: Mapping[str, Look]) -> None:
    column, setting, lines = panel
    label, scale = _AXES[setting]
    ticks = sorted({point.at for line in lines for point in line.points})
    # No logarithm of zero: alpha 0 stands for hard labels.
    scale = scale if ticks[0] > 0 else "linear"
    for number, line in enumerate(lines):
        place = number - (len(lines) - 1) / 2
        at = [_beside(point.at, place, ticks, scale) for point in line.points]
        _line(axes, column, line, at, looks[line.label])
    axes.set_xlabel(label)
    axes.set_xscale(scale)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    _named(axes, column)
    grid(axes, "y")


def _line(axes: Any, column: Column, line: Line, at: Sequence[float], look: Look) -> None:
    colour, marker, style = look
    values = [column.scale * point.value for point in line.points]
    bars = [[column.scale * bound for bound in point.bounds] for point in line.points]
    below = [value - low for value, (low, _) in zip(values, bars, strict=True)]
    above = [high - value for value, (_, high) in zip(values, bars, strict=True)]
    axes.errorbar(
        at, values, yerr=[below, above], color=colour, marker=marker, linestyle=style,
        markersize=6, linewidth=1.5, elinewidth=1.1, capsize=2.5, label=line.label,
    )  # fmt: skip


def _beside(at: float, place: float, ticks: Sequence[float], scale: str) -> float:
    """Return a place beside a tick, so that no bar hides another; a single tick stays."""
    if len(ticks) < 2:
        return at
    share = 0.025 * place
    if scale == "log":
        return float(at * (ticks[-1] / ticks[0]) ** share)
    return at + share * (ticks[-1] - ticks[0])


def _baseline(axes: Any, comparison: Comparison, column: Column) -> None:
    base = comparison.cell(comparison.baseline, column.suite)
    if base is not None and base.value is not None:
        value = column.scale * base.value
        axes.axhline(value, color=GREY, linewidth=1.2, linestyle=":", label=comparison.baseline)


def _named(axes: Any, column: Column) -> None:
    axes.set_title(column.suite, loc="left")
    axes.set_ylabel(column.measure)


def _legend(figure: Any) -> None:
    """Draw a legend with each name of any panel once."""
    handles: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    legend(figure, list(handles.values()), list(handles))

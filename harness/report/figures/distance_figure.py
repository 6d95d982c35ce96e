"""Scores over the distance from the reference."""

from pathlib import Path
from typing import Any

from harness.report.compare.plotted import Distances, distances
from harness.report.figures.drawing import GREY, Look, draw_panels, grid, looks_of
from harness.stats.cells import Cell, Comparison
from harness.storage.result import Result


def draw_kl(result: Result, comparison: Comparison, stem: Path) -> tuple[Path, ...]:
    """Draw scores against KL from the reference: a panel a suite, a point a checkpoint.

    Colour and shape tell methods; crosses are 95 % intervals. The baseline, whose distance is zero
    by definition where it was not measured, is a square. No file is written where no checkpoint has
    both.
    """
    methods = {c.name: str((c.train or {}).get("method", "")) for c in result.checkpoints}
    looks = looks_of(dict.fromkeys(method for method in methods.values() if method))

    def draw(axes: Any, panel: Distances) -> None:
        for name, pair in panel.pairs.items():
            if name != comparison.baseline:
                look = looks.get(methods[name], (GREY, "X", "-"))
                _cross(axes, pair, panel.column.scale, look, methods[name] or name)
        _origin(axes, comparison, panel)
        axes.set_xlabel(f"{panel.measure.suite}, nats")
        axes.set_title(panel.column.suite, loc="left")
        axes.set_ylabel(panel.column.measure)
        grid(axes, "both")

    # A suite may have another label in a table, so its name does not tell that it holds distances.
    panels = list(distances(comparison, [c for c in comparison.columns if not c.ranked]))
    return draw_panels(stem, panels, draw, (3.6, 3.2), sharey=False)


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


def _origin(axes: Any, comparison: Comparison, panel: Distances) -> None:
    name = comparison.baseline
    base = comparison.cell(name, panel.column.suite)
    if base is None or base.value is None:
        return
    own = comparison.cell(name, panel.measure.suite)
    at = own.value if own and own.value is not None else 0.0
    look = {"color": GREY, "linestyle": "", "marker": "s", "markersize": 6.5}
    axes.plot([at], [panel.column.scale * base.value], label=name, **look)

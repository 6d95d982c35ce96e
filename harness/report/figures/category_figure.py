"""A picture of the suites that have categories: one panel a suite, one line a category."""

from pathlib import Path
from typing import Any

from harness.report.compare.plotted import Category, categories
from harness.report.figures.drawing import LOOKS, draw_panels, grid, legend
from harness.stats.cells import Column, Comparison
from harness.storage.result import Result

_Panel = tuple[Column, dict[str, tuple[Category, ...]], list[str]]


def draw_categories(result: Result, comparison: Comparison, stem: Path) -> tuple[Path, ...]:
    """Draw categories: a panel a suite that has some, a line a category, a point a checkpoint.

    Bars are 95 % intervals over prompts. No file is written where no suite has categories.
    """
    panels: list[_Panel] = []
    for column in comparison.columns:
        own = {name: categories(s) for name, s in result.of_suite(column.suite).items()}
        if names := list(dict.fromkeys(part.name for parts in own.values() for part in parts)):
            panels.append((column, own, names))
    rows = max((len(names) for *_, names in panels), default=0)
    size = (4.6, 1.3 + rows * (0.22 + 0.13 * len(result.checkpoints)))
    return draw_panels(stem, panels, _panel, size, finish=_legend, sharey=False)


def _legend(figure: Any) -> None:
    handles, labels = figure.axes[0].get_legend_handles_labels()
    legend(figure, dict(zip(labels, handles, strict=True)))


def _panel(axes: Any, panel: _Panel) -> None:
    column, own, names = panel
    scale = column.scale
    for number, (checkpoint, own_parts) in enumerate(own.items()):
        colour, marker, _ = LOOKS[number % len(LOOKS)]
        shift = 0.7 * ((number + 0.5) / len(own) - 0.5)
        parts = sorted(own_parts, key=lambda part: names.index(part.name))
        places = [names.index(part.name) + shift for part in parts]
        for y, part in zip(places, parts, strict=True):
            if part.interval:
                bounds = (scale * part.interval.low, scale * part.interval.high)
                axes.plot(bounds, (y, y), color=colour, linewidth=1.2, solid_capstyle="butt")
        look = {"color": colour, "marker": marker, "linestyle": "", "markersize": 5.5}
        axes.plot([scale * part.value for part in parts], places, label=checkpoint, **look)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.set_title(column.suite, loc="left")
    axes.set_xlabel(column.measure)
    grid(axes, "x")

"""A picture of the suites that have categories: one panel a suite, one line a category."""

from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

from harness.report.compare.categories import Category, categories
from harness.report.figures.drawing import LOOKS, Look, grid, legend, panels_of, save, styled
from harness.stats.cells import Comparison
from harness.storage.result import Result, SuiteResult


def draw_categories(result: Result, comparison: Comparison, stem: Path) -> tuple[Path, ...]:
    """Draw categories: a panel a suite that has some, a line a category, a point a checkpoint.

    Bars are 95 % intervals over prompts.

    Returns:
        The files written; none where no suite has categories.
    """
    suites = [
        column
        for column in comparison.columns
        if any(
            column.suite in c.suites and categories(c.suites[column.suite])
            for c in result.checkpoints
        )
    ]
    if not suites:
        return ()
    rows = max(len(_names(result, column.suite)) for column in suites)
    with styled():
        height = 1.3 + rows * (0.22 + 0.13 * len(result.checkpoints))
        figure = panels_of(len(suites), 4.6, height, sharey=False)
        for axes, column in zip(figure.axes, suites, strict=True):
            _panel(axes, result, column.suite, column.scale)
            axes.set_title(column.suite, loc="left")
            axes.set_xlabel(column.measure)
        legend(figure, *figure.axes[0].get_legend_handles_labels())
        return save(figure, stem)


def _names(result: Result, suite: str) -> list[str]:
    scores = (c.suites[suite] for c in result.checkpoints if suite in c.suites)
    return list(dict.fromkeys(category.name for score in scores for category in categories(score)))


def _panel(axes: Any, result: Result, suite: str, scale: float) -> None:
    names, rows = _names(result, suite), list(_having(result, suite))
    for number, ((name, score), look) in enumerate(zip(rows, cycle(LOOKS), strict=False)):
        shift = 0.7 * ((number + 0.5) / len(rows) - 0.5)
        by_name = {part.name: part for part in categories(score)}
        places = [(names.index(part) + shift, by_name[part]) for part in names if part in by_name]
        _points(axes, places, scale, look, name)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    grid(axes, "x")


def _having(result: Result, suite: str) -> Iterator[tuple[str, SuiteResult]]:
    for checkpoint in result.checkpoints:
        if suite in checkpoint.suites:
            yield checkpoint.name, checkpoint.suites[suite]


def _points(
    axes: Any,
    places: Sequence[tuple[float, Category]],
    scale: float,
    look: Look,
    label: str,
) -> None:
    colour, marker, _ = look
    for y, category in places:
        if category.interval:
            bounds = (scale * category.interval.low, scale * category.interval.high)
            axes.plot(bounds, (y, y), color=colour, linewidth=1.2, solid_capstyle="butt")
    axes.plot(
        [scale * category.value for _, category in places],
        [y for y, _ in places],
        color=colour,
        marker=marker,
        linestyle="",
        markersize=5.5,
        label=label,
    )

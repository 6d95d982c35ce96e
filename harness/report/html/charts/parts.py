"""Charts of a suite by category: one line per category, one mark per checkpoint."""

from collections.abc import Iterator, Mapping

from markupsafe import Markup

from harness.report.compare.plotted import Category, categories
from harness.report.html.charts.svg import (
    Frame,
    Look,
    across,
    around,
    bar,
    drawing,
    element,
    frame,
    level,
    looks,
    mark,
    named,
    room_for,
    shown_key,
)
from harness.stats.cells import Column
from harness.storage.result import Result

_WIDTH = 640.0
CategoryScores = Mapping[str, tuple[Category, ...]]


def parts(result: Result, suite: str) -> CategoryScores:
    """Return the category scores of each checkpoint that has any."""
    by_checkpoint = {name: categories(score) for name, score in result.of_suite(suite).items()}
    return {name: own for name, own in by_checkpoint.items() if own}


def parts_chart(by_checkpoint: CategoryScores, column: Column) -> Markup:
    """Draw the chart with its legend; bars are 95 % intervals over prompts."""
    names = list(dict.fromkeys(part.name for own in by_checkpoint.values() for part in own))
    shown = looks(by_checkpoint)
    panel = frame(
        (_WIDTH, 54 + len(names) * (10 + 11.0 * len(by_checkpoint))),
        around(
            column.scale * number
            for own in by_checkpoint.values()
            for part in own
            for number in (part.value, *_ends(part))
        ),
        (len(names) - 0.5, -0.5),
        left=room_for(names),
    )
    groups = [
        _group(panel, column, (name, shown[name], (number + 0.5) / len(by_checkpoint)), names, own)
        for number, (name, own) in enumerate(by_checkpoint.items())
    ]
    title = f"{column.suite} by part: {column.measure} with 95 % intervals"
    chart = drawing(panel, title, *across(panel, column.measure), *_lines(panel, names), *groups)
    return Markup("{}{}").format(shown_key(shown), chart)


def _ends(category: Category) -> tuple[float, ...]:
    return (category.interval.low, category.interval.high) if category.interval else ()


def _lines(panel: Frame, names: list[str]) -> Iterator[Markup]:
    for row, name in enumerate(names):
        yield named(panel, name, panel.y(row))
        if row:
            yield level(panel, panel.y(row - 0.5))


def _group(
    panel: Frame,
    column: Column,
    who: tuple[str, Look, float],
    names: list[str],
    own: tuple[Category, ...],
) -> Markup:
    """Draw the marks of a checkpoint, slightly below those of the previous one."""
    name, look, share = who
    drawn = []
    for part in own:
        y = panel.y(names.index(part.name) + 0.8 * (share - 0.5))
        value = column.shown(part.value)[0]
        tip = f"{part.name}, {name}: {value}"
        if ends := _ends(part):
            tip = f"{part.name}, {name}: {' to '.join(column.shown(*ends))} around {value}"
            drawn.append(bar(look, [panel.x(column.scale * end) for end in ends], y))
        drawn.append(mark(look, panel.x(column.scale * part.value), y, tip))
    return element("g", *drawn)

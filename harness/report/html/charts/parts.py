"""Charts of a suite by category: one line per category, one mark per checkpoint."""

from collections.abc import Iterator, Mapping

from markupsafe import Markup

from harness.report.compare.categories import Category, categories
from harness.report.html.charts.axes import Frame, across, frame, room_for
from harness.report.html.charts.svg import (
    Look,
    around,
    bar,
    clipped,
    drawing,
    element,
    label,
    looks,
    mark,
    shown_key,
)
from harness.stats.cells import Column
from harness.storage.result import Result

_WIDTH = 640.0
CategoryScores = Mapping[str, Mapping[str, Category]]


def parts(result: Result, suite: str) -> CategoryScores:
    """Return the category scores of each checkpoint that has any."""
    by_checkpoint = {
        c.name: {category.name: category for category in categories(c.suites[suite])}
        for c in result.checkpoints
        if suite in c.suites
    }
    return {name: own for name, own in by_checkpoint.items() if own}


def parts_chart(by_checkpoint: CategoryScores, column: Column) -> Markup:
    """Draw the chart with its legend; bars are 95 % intervals over prompts."""
    names = list(dict.fromkeys(part for own in by_checkpoint.values() for part in own))
    shown = looks(by_checkpoint)
    numbers = (n for own in by_checkpoint.values() for part in own.values() for n in _numbers(part))
    height = 54 + len(names) * (10 + 11.0 * len(by_checkpoint))
    panel = frame(
        (_WIDTH, height),
        around(column.scale * number for number in numbers),
        (len(names) - 0.5, -0.5),
        left=room_for([clipped(name) for name in names]),
    )
    chart = drawing(
        panel.width,
        panel.height,
        f"{column.suite} by part: {column.measure} with 95 % intervals",
        *across(panel, column.measure),
        *_lines(panel, names),
        *(
            _checkpoint(panel, column, (name, shown[name], number, len(by_checkpoint)), names, own)
            for number, (name, own) in enumerate(by_checkpoint.items())
        ),
    )
    return Markup("{}{}").format(shown_key(shown), chart)


def _numbers(category: Category) -> Iterator[float]:
    yield category.value
    if category.interval:
        yield from (category.interval.low, category.interval.high)


def _lines(panel: Frame, names: list[str]) -> Iterator[Markup]:
    for row, name in enumerate(names):
        yield label(clipped(name), panel.x.start - 8, panel.y(row) + 4, "end")
        if row:
            at = panel.y(row - 0.5)
            yield element("path", d=f"M{panel.x.start:.1f} {at:.1f}H{panel.x.end:.1f}",
                          class_="grid")  # fmt: skip


def _checkpoint(
    panel: Frame,
    column: Column,
    who: tuple[str, Look, int, int],
    names: list[str],
    own: Mapping[str, Category],
) -> Markup:
    """Draw the dots of a checkpoint, slightly below those of the previous one."""
    name, look, number, of = who
    drawn = []
    for part, category in own.items():
        y = panel.y(names.index(part) + 0.8 * ((number + 0.5) / of - 0.5))
        value = column.shown(category.value)[0]
        tip = f"{part}, {name}: {value}"
        if category.interval:
            ends = (category.interval.low, category.interval.high)
            tip = f"{part}, {name}: {' to '.join(column.shown(*ends))} around {value}"
            low, high = (panel.x(column.scale * end) for end in ends)
            drawn.append(bar(look, (low, high), y))
        drawn.append(mark(look, panel.x(column.scale * category.value), y, tip))
    return element("g", *drawn)

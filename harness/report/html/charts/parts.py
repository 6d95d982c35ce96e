"""A suite by its parts: MT-bench's categories as dots, a line a part, a mark a checkpoint."""

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
Found = Mapping[str, Mapping[str, Category]]


def parts(result: Result, suite: str) -> Found:
    """Checkpoint -> part -> its value, for checkpoints whose suite counts its parts."""
    found = {
        c.name: {one.name: one for one in categories(c.suites[suite])}
        for c in result.checkpoints
        if suite in c.suites
    }
    return {name: own for name, own in found.items() if own}


def parts_chart(found: Found, column: Column) -> Markup:
    """The chart with its legend; bars are 95 % intervals over prompts."""
    names = list(dict.fromkeys(part for own in found.values() for part in own))
    shown = looks(found)
    numbers = (n for own in found.values() for one in own.values() for n in _numbers(one))
    height = 54 + len(names) * (10 + 11.0 * len(found))
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
            _checkpoint(panel, column, (name, shown[name], number, len(found)), names, own)
            for number, (name, own) in enumerate(found.items())
        ),
    )
    return Markup("{}{}").format(shown_key(shown), chart)


def _numbers(one: Category) -> Iterator[float]:
    yield one.value
    if one.interval:
        yield from (one.interval.low, one.interval.high)


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
    """A checkpoint's dots, each a little below those of the checkpoint before."""
    name, look, number, of = who
    drawn = []
    for part, one in own.items():
        y = panel.y(names.index(part) + 0.8 * ((number + 0.5) / of - 0.5))
        value = column.shown(one.value)[0]
        tip = f"{part}, {name}: {value}"
        if one.interval:
            ends = (one.interval.low, one.interval.high)
            tip = f"{part}, {name}: {' to '.join(column.shown(*ends))} around {value}"
            low, high = (panel.x(column.scale * end) for end in ends)
            drawn.append(bar(look, (low, high), y))
        drawn.append(mark(look, panel.x(column.scale * one.value), y, tip))
    return element("g", *drawn)

"""Charts of a suite's scores: forest plots, categories, and scores against KL."""

from collections.abc import Iterator, Mapping
from math import inf

from markupsafe import Markup

from harness.report.compare import plotted
from harness.report.html.charts import svg
from harness.report.tables.score_table import score_text
from harness.stats.cells import Cell, Column, Comparison
from harness.storage.result import Result

_FOREST_WIDTH, _ROW = 380.0, 24.0
_PARTS_WIDTH = 640.0
_DISTANCE_SIZE = (380.0, 290.0)
_KL = "kl:"
_LOOK = svg.Look("c0", "o", "")
#: Kind of a row -> the class of its mark, which scripts and styles read.
_CLASSES = {"base": "base", "significant": "told", "unclear": "untold"}


def forest(comparison: Comparison, column: Column) -> Markup | None:
    """Draw the plot of a suite; return None if no checkpoint has a value.

    Every mark has the class `told` (differs significantly from the baseline), `untold` or `base`,
    and gives its checkpoint and x in `data-checkpoint` and `data-x`, so that a script can draw
    the same plot for another baseline.
    """
    rows = list(plotted.forest_rows(comparison, column))
    if not rows:
        return None
    panel = svg.frame(
        (_FOREST_WIDTH, 50 + _ROW * len(rows)),
        svg.around(number for row in rows for number in (row.value, *(row.bounds or ()))),
        (len(rows) - 0.5, -0.5),
        left=svg.room_for(row.cell.checkpoint for row in rows),
    )
    positions = [panel.x(row.value) for row in rows if row.kind == "base"]
    base_line = svg.element(  # a script may move it by its `transform`
        "path",
        d=f"M0 {panel.y.end:.1f}V{panel.y.start:.1f}",
        class_="base-line",
        transform=f"translate({positions[0] if positions else 0.0:.2f} 0)",
        visibility="visible" if positions else "hidden",
    )
    return svg.drawing(
        panel,
        f"{column.suite}: {column.measure} with 95 % intervals",
        *svg.across(panel, column.measure),
        base_line,
        *(_entry(column, row, place, panel) for place, row in enumerate(rows)),
    )


def _entry(column: Column, row: plotted.ForestRow, place: int, panel: svg.Frame) -> Markup:
    name, x, y = row.cell.checkpoint, panel.x(row.value), panel.y(place)
    parts = [svg.named(panel, name, y)]
    if row.bounds:
        parts.append(svg.bar(_LOOK, list(map(panel.x, row.bounds)), y))
    parts.append(svg.mark(_LOOK, x, y, f"{name}: {score_text(column, row.cell)}"))
    kind = f"entry {_CLASSES[row.kind]}"
    return svg.element("g", *parts, class_=kind, data_checkpoint=name, data_x=x)


def parts_chart(result: Result, column: Column, most: float = inf) -> Markup | None:
    """Draw a suite by category with a legend; return None without categories or with too many.

    Bars are 95 % intervals over prompts.
    """
    scores = result.of_suite(column.suite).items()
    by_checkpoint = {name: own for name, score in scores if (own := plotted.categories(score))}
    names = list(dict.fromkeys(part.name for own in by_checkpoint.values() for part in own))
    if not 0 < len(names) <= most:
        return None
    shown = svg.looks(by_checkpoint)
    panel = svg.frame(
        (_PARTS_WIDTH, 54 + len(names) * (10 + 11.0 * len(by_checkpoint))),
        svg.around(
            column.scale * number
            for own in by_checkpoint.values()
            for part in own
            for number in (part.value, *_category_ends(part))
        ),
        (len(names) - 0.5, -0.5),
        left=svg.room_for(names),
    )
    groups = [
        _group(panel, column, (name, shown[name], (number + 0.5) / len(by_checkpoint)), names, own)
        for number, (name, own) in enumerate(by_checkpoint.items())
    ]
    title = f"{column.suite} by part: {column.measure} with 95 % intervals"
    chart = svg.drawing(
        panel, title, *svg.across(panel, column.measure), *_lines(panel, names), *groups
    )
    return Markup("{}{}").format(svg.shown_key(shown), chart)


def _category_ends(category: plotted.Category) -> tuple[float, ...]:
    return (category.interval.low, category.interval.high) if category.interval else ()


def _lines(panel: svg.Frame, names: list[str]) -> Iterator[Markup]:
    for row, name in enumerate(names):
        yield svg.named(panel, name, panel.y(row))
        if row:
            yield svg.level(panel, panel.y(row - 0.5))


def _group(
    panel: svg.Frame,
    column: Column,
    who: tuple[str, svg.Look, float],
    names: list[str],
    own: tuple[plotted.Category, ...],
) -> Markup:
    """Draw the marks of a checkpoint, slightly below those of the previous one."""
    name, look, share = who
    drawn = []
    for part in own:
        y = panel.y(names.index(part.name) + 0.8 * (share - 0.5))
        value = column.shown(part.value)[0]
        tip = f"{part.name}, {name}: {value}"
        if ends := _category_ends(part):
            tip = f"{part.name}, {name}: {' to '.join(column.shown(*ends))} around {value}"
            drawn.append(svg.bar(look, [panel.x(column.scale * end) for end in ends], y))
        drawn.append(svg.mark(look, panel.x(column.scale * part.value), y, tip))
    return svg.element("g", *drawn)


def distance_charts(comparison: Comparison) -> tuple[Markup, ...]:
    """Draw a legend and a chart for each suite with a KL; return () if none was measured."""
    measures = [column for column in comparison.columns if column.suite.startswith(_KL)]
    shown = svg.looks(comparison.checkpoints)
    panels = [_distance_chart(panel, shown) for panel in plotted.distances(comparison, measures)]
    return (svg.shown_key(shown), *panels) if panels else ()


def _ends(cell: Cell, scale: float = 1.0) -> tuple[float, float, float]:
    value, between = cell.value or 0.0, cell.interval
    low, high = (between.low, between.high) if between else (value, value)
    return scale * value, scale * low, scale * high


def _distance_chart(shown_suite: plotted.Distances, shown: Mapping[str, svg.Look]) -> Markup:
    column, pairs = shown_suite.column, shown_suite.pairs
    x = {name: _ends(far) for name, (_, far) in pairs.items()}
    y = {name: _ends(score, column.scale) for name, (score, _) in pairs.items()}
    ranges = (svg.around(end for ends in axis.values() for end in ends) for axis in (x, y))
    panel = svg.frame(_DISTANCE_SIZE, *ranges, top=14.0)

    def cross(name: str) -> Iterator[Markup]:
        at, *sides = map(panel.x, x[name])
        height, *ups = map(panel.y, y[name])
        yield svg.upright(shown[name], at, ups)
        yield svg.bar(shown[name], sides, height)
        value = column.shown(pairs[name][0].value or 0.0)[0]
        yield svg.mark(shown[name], at, height, f"{name}: {value} at {x[name][0]:.3g} nats")

    suite = shown_suite.measure.suite.removeprefix(_KL)
    chart = svg.drawing(
        panel,
        f"{column.suite}, {column.measure}, against KL from the reference",
        *svg.across(panel, f"KL from the reference on {suite}, nats"),
        *svg.upwards(panel),
        *(part for name in pairs for part in cross(name)),
    )
    caption = svg.element("figcaption", f"{column.suite}, {column.measure}")
    return svg.element("figure", caption, chart)

"""Charts of score against KL from the reference."""

from collections.abc import Iterator, Mapping

from markupsafe import Markup

from harness.report.compare.plotted import Distances, distances
from harness.report.html.charts.svg import (
    Look,
    across,
    around,
    bar,
    drawing,
    element,
    frame,
    looks,
    mark,
    shown_key,
    upright,
    upwards,
)
from harness.stats.cells import Cell, Comparison

_SIZE = (380.0, 290.0)
_KL = "kl:"


def distance_charts(comparison: Comparison) -> tuple[Markup, ...]:
    """Draw a legend and a chart for each suite with a KL; return () if none was measured."""
    measures = [column for column in comparison.columns if column.suite.startswith(_KL)]
    shown = looks(comparison.checkpoints)
    panels = [_panel(panel, shown) for panel in distances(comparison, measures)]
    return (shown_key(shown), *panels) if panels else ()


def _ends(cell: Cell, scale: float = 1.0) -> tuple[float, float, float]:
    value, between = cell.value or 0.0, cell.interval
    low, high = (between.low, between.high) if between else (value, value)
    return scale * value, scale * low, scale * high


def _panel(shown_suite: Distances, shown: Mapping[str, Look]) -> Markup:
    column, pairs = shown_suite.column, shown_suite.pairs
    x = {name: _ends(far) for name, (_, far) in pairs.items()}
    y = {name: _ends(score, column.scale) for name, (score, _) in pairs.items()}
    ranges = (around(end for ends in axis.values() for end in ends) for axis in (x, y))
    panel = frame(_SIZE, *ranges, top=14.0)

    def cross(name: str) -> Iterator[Markup]:
        at, *sides = map(panel.x, x[name])
        height, *ups = map(panel.y, y[name])
        yield upright(shown[name], at, ups)
        yield bar(shown[name], sides, height)
        value = column.shown(pairs[name][0].value or 0.0)[0]
        yield mark(shown[name], at, height, f"{name}: {value} at {x[name][0]:.3g} nats")

    suite = shown_suite.measure.suite.removeprefix(_KL)
    chart = drawing(
        panel,
        f"{column.suite}, {column.measure}, against KL from the reference",
        *across(panel, f"KL from the reference on {suite}, nats"),
        *upwards(panel),
        *(part for name in pairs for part in cross(name)),
    )
    caption = element("figcaption", f"{column.suite}, {column.measure}")
    return element("figure", caption, chart)

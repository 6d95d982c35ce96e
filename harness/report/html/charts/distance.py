"""Charts of score against KL from the reference."""

from collections.abc import Iterator, Mapping

from markupsafe import Markup

from harness.report.html.charts.axes import Frame, across, frame, upwards
from harness.report.html.charts.svg import (
    Look,
    around,
    bar,
    drawing,
    element,
    looks,
    mark,
    shown_key,
    upright,
)
from harness.stats.cells import AVERAGE, Cell, Column, Comparison

_SIZE = (380.0, 290.0)
_KL = "kl:"
Pairs = Mapping[str, tuple[Cell, Cell]]


def distance_charts(comparison: Comparison) -> tuple[Markup, ...]:
    """Draw a legend and a chart for each suite with a KL; return () if none was measured."""
    panels = [
        (column, measure, pairs)
        for column in comparison.columns
        if column.suite != AVERAGE and not column.suite.startswith(_KL)
        if (measure := _measure(comparison, column))
        if (pairs := _pairs(comparison, column, measure))
    ]
    if not panels:
        return ()
    shown = looks(comparison.checkpoints)
    return (shown_key(shown), *(_panel(*panel, shown) for panel in panels))


def _measure(comparison: Comparison, column: Column) -> Column | None:
    """Return the KL on the suite's own prompts, or else the only KL."""
    measures = [c for c in comparison.columns if c.suite.startswith(_KL)]
    own = [c for c in measures if c.suite == f"{_KL}{column.suite}"]
    return next(iter(own or measures[:1]), None) if own or len(measures) == 1 else None


def _pairs(comparison: Comparison, column: Column, measure: Column) -> Pairs:
    pairs = {}
    for name in comparison.checkpoints:
        score, far = comparison.cell(name, column.suite), comparison.cell(name, measure.suite)
        if score and far and score.value is not None and far.value is not None:
            pairs[name] = (score, far)
    return pairs


def _ends(cell: Cell) -> tuple[float, float, float]:
    value = cell.value or 0.0
    between = cell.interval
    return (value, between.low, between.high) if between else (value, value, value)


def _panel(column: Column, measure: Column, pairs: Pairs, shown: Mapping[str, Look]) -> Markup:
    panel = frame(
        _SIZE,
        around(end for _, far in pairs.values() for end in _ends(far)),
        around(column.scale * end for score, _ in pairs.values() for end in _ends(score)),
        top=14.0,
    )
    chart = drawing(
        panel.width,
        panel.height,
        f"{column.suite}, {column.measure}, against KL from the reference",
        *across(panel, f"KL from the reference on {measure.suite.removeprefix(_KL)}, nats"),
        *upwards(panel),
        *(part for name, pair in pairs.items()
          for part in _cross(panel, column, (name, shown[name]), pair)),
    )  # fmt: skip
    caption = element("figcaption", f"{column.suite}, {column.measure}")
    return element("figure", caption, chart)


def _cross(
    panel: Frame, column: Column, who: tuple[str, Look], pair: tuple[Cell, Cell]
) -> Iterator[Markup]:
    name, look = who
    score, far = (_ends(cell) for cell in pair)
    x, y = panel.x(far[0]), panel.y(column.scale * score[0])
    ups = (panel.y(column.scale * score[1]), panel.y(column.scale * score[2]))
    yield upright(look, x, ups)
    yield bar(look, (panel.x(far[1]), panel.x(far[2])), y)
    tip = f"{name}: {column.shown(score[0])[0]} at {far[0]:.3g} nats"
    yield mark(look, x, y, tip)

"""Charts of losses and likelihoods over training steps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from harness.report.html.charts.axes import Frame, across, frame, upwards
from harness.report.html.charts.svg import Look, around, drawing, element, mark

_SIZE = (330.0, 240.0)


@dataclass(frozen=True, slots=True)
class Point:
    """A value at a step, with its standard error (0 if unknown)."""

    step: float
    value: float
    error: float = 0.0


@dataclass(frozen=True, slots=True)
class Curve:
    """A series and its style; `marked` draws a mark at every point."""

    label: str
    look: Look
    points: tuple[Point, ...]
    marked: bool = True


def span(curves: Sequence[Curve]) -> tuple[float, float]:
    """Return the range of curves and their bands."""
    return around(
        end
        for curve in curves
        for point in curve.points
        for end in (point.value - point.error, point.value + point.error)
    )


def curves_chart(
    title: str, curves: Sequence[Curve], y: tuple[float, float], *, zero: bool = False
) -> Markup:
    """Draw a panel over steps; bands are one standard error, `zero` adds a dotted line at 0."""
    steps = [point.step for curve in curves for point in curve.points]
    panel = frame(_SIZE, around(steps, 0.03), y)
    nought = panel.y(0.0)
    line = element("path", d=f"M{panel.x.start:.1f} {nought:.1f}H{panel.x.end:.1f}",
                   class_="base-line")  # fmt: skip
    return drawing(
        panel.width,
        panel.height,
        title,
        *across(panel, "step", whole=True),
        *upwards(panel),
        *([line] if zero and y[0] < 0 < y[1] else []),
        *(part for curve in curves for part in _curve(panel, curve)),
    )


def _curve(panel: Frame, curve: Curve) -> Iterator[Markup]:
    points = curve.points
    if any(point.error for point in points):
        above = [(p.step, p.value + p.error) for p in points]
        below = [(p.step, p.value - p.error) for p in reversed(points)]
        yield element("path", d=f"{_path(panel, above + below)}Z",
                      class_=f"band {curve.look.colour}")  # fmt: skip
    yield element(
        "path",
        d=_path(panel, [(p.step, p.value) for p in points]),
        class_=f"line {curve.look.colour}",
        stroke_dasharray=curve.look.dash or None,
    )
    for p in points if curve.marked else ():
        tip = f"{curve.label}, step {p.step:g}: {p.value:.4g}"
        yield mark(curve.look, panel.x(p.step), panel.y(p.value), tip)


def _path(panel: Frame, places: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{panel.x(x):.1f} {panel.y(y):.1f}" for x, y in places)

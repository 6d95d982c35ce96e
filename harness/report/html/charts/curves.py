"""Charts of losses and likelihoods over training steps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from harness.report.html.charts.svg import (
    Frame,
    Look,
    across,
    around,
    drawing,
    element,
    frame,
    level,
    mark,
    upwards,
)

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
    points = [point for curve in curves for point in curve.points]
    return around(end for p in points for end in (p.value - p.error, p.value + p.error))


def curves_chart(
    title: str, curves: Sequence[Curve], y: tuple[float, float], *, zero: bool = False
) -> Markup:
    """Draw a panel over steps; bands are one standard error, `zero` adds a dotted line at 0."""
    steps = [point.step for curve in curves for point in curve.points]
    panel = frame(_SIZE, around(steps, 0.03), y)
    return drawing(
        panel,
        title,
        *across(panel, "step", whole=True),
        *upwards(panel),
        *([level(panel, panel.y(0.0), "base-line")] if zero and y[0] < 0 < y[1] else []),
        *(part for curve in curves for part in _curve(panel, curve)),
    )


def _curve(panel: Frame, curve: Curve) -> Iterator[Markup]:
    points, colour = curve.points, curve.look.colour
    if any(point.error for point in points):
        above = [(p.step, p.value + p.error) for p in points]
        below = [(p.step, p.value - p.error) for p in reversed(points)]
        yield element("path", d=f"{_path(panel, above + below)}Z", class_=f"band {colour}")
    line = _path(panel, [(p.step, p.value) for p in points])
    dash = curve.look.dash or None
    yield element("path", d=line, class_=f"line {colour}", stroke_dasharray=dash)
    for p in points if curve.marked else ():
        tip = f"{curve.label}, step {p.step:g}: {p.value:.4g}"
        yield mark(curve.look, panel.x(p.step), panel.y(p.value), tip)


def _path(panel: Frame, places: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{panel.x(x):.1f} {panel.y(y):.1f}" for x, y in places)

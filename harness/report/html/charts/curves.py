"""Charts of losses and likelihoods over training steps."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from harness.report.compare.likelihood import Likelihood, trend
from harness.report.html.charts import svg
from harness.storage.atomic_files import read_lines
from harness.storage.result import CheckpointResult

_SIZE = (330.0, 240.0)
_FIRST, _SECOND = svg.Look("c0", "o", ""), svg.Look("c1", "s", "7 4")
#: Key of `steps.jsonl` -> title of its chart.
_MEASURES = {
    "loss": "loss",
    "margin": "margin of implicit rewards",
    "accuracy": "best ranked above worst, share",
    "grad_norm": "gradient norm",
}
BEST_AND_WORST = {"best response": _FIRST, "worst response": _SECOND}


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
    look: svg.Look
    points: tuple[Point, ...]
    marked: bool = True


def span(curves: Sequence[Curve]) -> tuple[float, float]:
    """Return the range of curves and their bands."""
    points = [point for curve in curves for point in curve.points]
    return svg.around(end for p in points for end in (p.value - p.error, p.value + p.error))


def curves_chart(
    title: str, curves: Sequence[Curve], y: tuple[float, float], *, zero: bool = False
) -> Markup:
    """Draw a panel over steps; bands are one standard error, `zero` adds a dotted line at 0."""
    steps = [point.step for curve in curves for point in curve.points]
    panel = svg.frame(_SIZE, svg.around(steps, 0.03), y)
    return svg.drawing(
        panel,
        title,
        *svg.across(panel, "step", whole=True),
        *svg.upwards(panel),
        *([svg.level(panel, panel.y(0.0), "base-line")] if zero and y[0] < 0 < y[1] else []),
        *(part for curve in curves for part in _curve(panel, curve)),
    )


def _curve(panel: svg.Frame, curve: Curve) -> Iterator[Markup]:
    points, colour = curve.points, curve.look.colour
    if any(point.error for point in points):
        above = [(p.step, p.value + p.error) for p in points]
        below = [(p.step, p.value - p.error) for p in reversed(points)]
        yield svg.element("path", d=f"{_path(panel, above + below)}Z", class_=f"band {colour}")
    line = _path(panel, [(p.step, p.value) for p in points])
    dash = curve.look.dash or None
    yield svg.element("path", d=line, class_=f"line {colour}", stroke_dasharray=dash)
    for p in points if curve.marked else ():
        tip = f"{curve.label}, step {p.step:g}: {p.value:.4g}"
        yield svg.mark(curve.look, panel.x(p.step), panel.y(p.value), tip)


def _path(panel: svg.Frame, places: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{panel.x(x):.1f} {panel.y(y):.1f}" for x, y in places)


def likelihood_curves(points: Sequence[Likelihood]) -> tuple[Curve, ...]:
    """Return the changes in log-probability of the best and the worst response since step 0."""
    best = tuple(Point(p.step, p.best.value, p.best.error or 0.0) for p in points)
    worst = tuple(Point(p.step, p.worst.value, p.worst.error or 0.0) for p in points)
    looks = zip(BEST_AND_WORST.items(), (best, worst), strict=True)
    return tuple(Curve(label, look, own) for (label, look), own in looks)


def training_charts(checkpoint: CheckpointResult, folder: Path | None) -> list[dict[str, Any]]:
    """Draw the training of a checkpoint from its log, or from the probes in the result."""
    logged = read_lines(folder / "steps.jsonl") if folder else list(checkpoint.probe)
    charts = [drawn for key, title in _MEASURES.items() if (drawn := _measure(logged, key, title))]
    points = trend(checkpoint.name, [row for row in logged if row.get("split") == "probe"])
    if len(points) > 1:
        curves = likelihood_curves(points)
        chart = curves_chart("Change in log-probability", curves, span(curves), zero=True)
        title = "change in log-probability since step 0, nats"
        charts.append({"title": title, "key": svg.shown_key(BEST_AND_WORST), "chart": chart})
    return charts


def _measure(logged: Sequence[Mapping[str, Any]], key: str, title: str) -> dict[str, Any] | None:
    curves = []
    for split, label, look in (("train", "training", _FIRST), ("probe", "probe", _SECOND)):
        points = tuple(
            Point(row["step"], float(row[key]))
            for row in logged
            if row.get("split") == split and row.get(key) is not None
        )
        if len(points) > 1:
            curves.append(Curve(label, look, points, marked=len(points) <= 40))
    if not curves:
        return None
    chart = curves_chart(f"{title} over steps", curves, span(curves))
    return {"title": title, "key": svg.shown_key({c.label: c.look for c in curves}), "chart": chart}

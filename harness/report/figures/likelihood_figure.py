"""The likelihoods of best and worst responses over training: of checkpoints, and of objectives."""

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

from harness.report.compare.likelihood import Likelihood, Trend, trend
from harness.report.figures.drawing import BLUE, GREEN, GREY, ORANGE, draw_panels, grid
from harness.storage.result import Result

_RESPONSES = (("best", BLUE, "-", "o"), ("worst", ORANGE, "--", "s"))
_LOOKS = ((BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (GREY, ":"))


def draw_likelihood(result: Result, stem: Path) -> tuple[Path, ...]:
    """Draw the change in log-probability over steps, one panel a checkpoint.

    Lines are best and worst response; bands are one standard error over prompts. No file is written
    when no checkpoint was probed while training.
    """
    trends = [t for c in result.checkpoints if len(t := trend(c.name, c.probe)) > 1]
    return draw_panels(stem, trends, _with_bands, (2.6, 2.7))


def _with_bands(axes: Any, points: Sequence[Likelihood]) -> None:
    _over_steps(axes, points[0].checkpoint)
    steps = [point.step for point in points]
    for name, colour, style, marker in _RESPONSES:
        means = [getattr(point, name) for point in points]
        low = [m.value - (m.error or 0.0) for m in means]
        high = [m.value + (m.error or 0.0) for m in means]
        axes.fill_between(steps, low, high, color=colour, alpha=0.18, linewidth=0)
        axes.plot(
            steps, [m.value for m in means], color=colour, linestyle=style, marker=marker,
            markersize=3.5, linewidth=1.6, label=f"{name} response",
        )  # fmt: skip
    grid(axes, "y")


def draw_trends(curves: Sequence[Trend], stem: Path) -> tuple[Path, ...]:
    """Draw best and worst over steps, a panel an objective; then best against margin.

    One line a training seed. No file is written without objectives.
    """

    def draw(axes: Any, panel: Trend | None) -> None:
        if panel is not None:
            _seeds(axes, panel)
            return
        for curve, (colour, style) in zip(curves, cycle(_LOOKS), strict=False):
            _against_margin(axes, curve, colour, style)
        axes.set_title("at equal margin", loc="left")
        axes.set_xlabel("margin, nats")
        axes.axhline(0, color=GREY, linewidth=0.9, linestyle=":")

    panels = [*curves, None] if curves else []
    return draw_panels(stem, panels, draw, (2.5, 3.0))


def _over_steps(axes: Any, title: str) -> None:
    axes.axhline(0, color=GREY, linewidth=0.9, linestyle=":")
    axes.set_title(title, loc="left")
    axes.set_xlabel("step")
    axes.figure.axes[0].set_ylabel("change in log-probability, nats")
    axes.xaxis.get_major_locator().set_params(integer=True)


def _seeds(axes: Any, curve: Trend) -> None:
    _over_steps(axes, curve.label)
    for number, points in enumerate(curve.seeds.values()):
        steps = [point.step for point in points]
        for name, colour, style, _ in _RESPONSES:
            values = [getattr(point, name).value for point in points]
            label = None if number else f"{name} response"
            axes.plot(steps, values, color=colour, linestyle=style, linewidth=1.3, label=label)


def _against_margin(axes: Any, curve: Trend, colour: str, style: str) -> None:
    for number, points in enumerate(curve.seeds.values()):
        margins = [point.margin.value for point in points]
        best = [point.best.value for point in points]
        label = None if number else f"best of {curve.label}"
        axes.plot(margins, best, color=colour, linestyle=style, linewidth=1.3, label=label)

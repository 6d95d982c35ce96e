"""The likelihoods of best and worst responses over training, a panel a checkpoint."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.report.compare.likelihood import Likelihood, trend
from harness.report.figures.drawing import BLUE, GREY, ORANGE, grid, legend, panels_of, save, styled
from harness.storage.result import Result


def draw_likelihood(result: Result, stem: Path) -> tuple[Path, ...]:
    """Change in log-probability of best and worst response over steps, one panel a checkpoint.

    Bands are one standard error over prompts.

    Args:
        result: the result of a run.
        stem: path without suffix; `.png` and `.svg` are added.

    Returns:
        The files written; none when no checkpoint was probed while training.
    """
    trends = [t for c in result.checkpoints if len(t := trend(c.name, c.probe)) > 1]
    if not trends:
        return ()
    with styled():
        figure = panels_of(len(trends), 2.6, 2.7)
        for axes, points in zip(figure.axes, trends, strict=True):
            _lines(axes, points)
        figure.axes[0].set_ylabel("change in log-probability, nats")
        legend(figure, *figure.axes[0].get_legend_handles_labels())
        return save(figure, stem)


def _lines(axes: Any, points: Sequence[Likelihood]) -> None:
    steps = [point.step for point in points]
    axes.axhline(0, color=GREY, linewidth=0.9, linestyle=":")
    for label, colour, style, marker in (("best", BLUE, "-", "o"), ("worst", ORANGE, "--", "s")):
        means = [getattr(point, label) for point in points]
        low = [m.value - (m.error or 0.0) for m in means]
        high = [m.value + (m.error or 0.0) for m in means]
        axes.fill_between(steps, low, high, color=colour, alpha=0.18, linewidth=0)
        axes.plot(
            steps,
            [m.value for m in means],
            color=colour,
            linestyle=style,
            marker=marker,
            markersize=3.5,
            linewidth=1.6,
            label=f"{label} response",
        )
    axes.set_title(points[0].checkpoint, loc="left")
    axes.set_xlabel("step")
    axes.xaxis.get_major_locator().set_params(integer=True)
    grid(axes, "y")

"""Likelihood trends as a table and as a picture."""

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

from harness.report.compare.trends import Spread, Trend, TrendRow
from harness.report.figures.drawing import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    legend,
    panels_of,
    save,
    styled,
)
from harness.report.tables.table import NONE, Heading, Raw, Table

_NOTE = (
    "Each change is that of a response's summed log-probability since step 0, in nats: mean over "
    "{prompts}, then mean over training seeds [smallest, largest]. rose is the share of prompts "
    "whose best response became more likely."
)
_EQUAL = (
    "The columns at {0}'s margin are read where best minus worst first equals the final margin of "
    "{0} with the same seed, linear between probes; seeds is the number of seeds that reached it."
)


def trend_table(objectives: Sequence[TrendRow], baseline: str, title: str, prompts: str) -> Table:
    """Return each objective at its last step, and at the baseline's last margin.

    Args:
        objectives: one row for each.
        baseline: its label.
        title: names the recipe.
        prompts: words for the probe's prompts.
    """
    headings = ("seeds", "steps", "best", "worst", "margin", "rose, %", "seeds", "step", "best")
    groups = ("", "at the end", "", "", "", "", f"at {baseline}'s margin", "", "")
    return Table(
        title=f"{title}: changes in likelihood",
        headings=(
            Heading("checkpoint", "left"),
            *(Heading(f"{group}\n{name}") for group, name in zip(groups, headings, strict=True)),
        ),
        rows=tuple((row.label, *_at_end(row), *_at_margin(row)) for row in objectives),
        notes=(_NOTE.format(prompts=prompts), _EQUAL.format(baseline)),
        records=tuple(_record(row, seed) for row in objectives for seed in row.last),
    )


def _at_end(row: TrendRow) -> tuple[str, ...]:
    last = list(row.last.values())
    rose = [reading.rose for reading in last if reading.rose is not None]
    return (
        str(len(last)),
        f"{last[0].step:.0f}",
        _spread([reading.best for reading in last]),
        _spread([reading.worst for reading in last]),
        _spread([reading.best - reading.worst for reading in last]),
        f"{100 * sum(rose) / len(rose):.0f}" if rose else NONE,
    )


def _at_margin(row: TrendRow) -> tuple[str, ...]:
    equal = list(row.equal.values())
    share = f"{len(equal)} of {len(row.last)}"
    if not equal:
        return (share, NONE, NONE)
    steps = Spread.of([reading.step for reading in equal])
    return (share, f"{steps.mean:.1f}", _spread([reading.best for reading in equal]))


def _spread(values: Sequence[float]) -> str:
    spread = Spread.of(values)
    if len(values) == 1:
        return f"{spread.mean:+.1f}"
    return f"{spread.mean:+.1f} [{spread.low:+.1f}, {spread.high:+.1f}]"


def _record(row: TrendRow, seed: int) -> dict[str, Raw]:
    last, equal = row.last[seed], row.equal.get(seed)
    return {
        "checkpoint": row.label,
        "seed": seed,
        "step": last.step,
        "best": last.best,
        "worst": last.worst,
        "rose": last.rose,
        "equal_margin_step": equal.step if equal else None,
        "equal_margin_best": equal.best if equal else None,
        "equal_margin_worst": equal.worst if equal else None,
    }


def draw_trends(curves: Sequence[Trend], stem: Path) -> tuple[Path, ...]:
    """Draw best and worst over steps, a panel an objective; then best against margin.

    One line a training seed. Writes `.png` and `.svg`, whose paths are returned.
    """
    with styled():
        figure = panels_of(len(curves) + 1, 2.5, 3.0)
        *panels, control = figure.axes
        for axes, curve in zip(panels, curves, strict=True):
            _over_steps(axes, curve)
        for curve, (colour, style) in zip(curves, cycle(_LOOKS), strict=False):
            _against_margin(control, curve, colour, style)
        control.set_title("at equal margin", loc="left")
        control.set_xlabel("margin, nats")
        control.axhline(0, color=GREY, linewidth=0.9, linestyle=":")
        panels[0].set_ylabel("change in log-probability, nats")
        handles, labels = panels[0].get_legend_handles_labels()
        more = control.get_legend_handles_labels()
        legend(figure, [*handles, *more[0]], [*labels, *(f"best of {m}" for m in more[1])])
        return save(figure, stem)


_LOOKS = ((BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (GREY, ":"))


def _over_steps(axes: Any, curve: Trend) -> None:
    axes.axhline(0, color=GREY, linewidth=0.9, linestyle=":")
    for number, points in enumerate(curve.seeds.values()):
        steps = [point.step for point in points]
        for name, colour, style in (("best", BLUE, "-"), ("worst", ORANGE, "--")):
            values = [getattr(point, name).value for point in points]
            label = None if number else f"{name} response"
            axes.plot(steps, values, color=colour, linestyle=style, linewidth=1.3, label=label)
    axes.set_title(curve.label, loc="left")
    axes.set_xlabel("step")
    axes.xaxis.get_major_locator().set_params(integer=True)


def _against_margin(axes: Any, curve: Trend, colour: str, style: str) -> None:
    for number, points in enumerate(curve.seeds.values()):
        axes.plot(
            [point.margin.value for point in points],
            [point.best.value for point in points],
            color=colour,
            linestyle=style,
            linewidth=1.3,
            label=None if number else curve.label,
        )

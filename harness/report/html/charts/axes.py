"""The axes of a chart: grid lines with round numbers, and titles."""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from harness.report.html.charts.svg import CHARACTER, Scale, element, label, tick_text


@dataclass(frozen=True, slots=True)
class Frame:
    """A panel: its size, and the scales inside its margins."""

    width: float
    height: float
    x: Scale
    y: Scale


def frame(
    size: tuple[float, float],
    x: tuple[float, float],
    y: tuple[float, float],
    *,
    left: float = 46.0,
    top: float = 10.0,
) -> Frame:
    """Return a panel for data in two ranges, with room below for tick labels and a title."""
    width, height = size
    return Frame(
        width, height, Scale(*x, left, width - 12.0), Scale(*y, height - 40.0, top)
    )  # fmt: skip


def across(panel: Frame, title: str, *, whole: bool = False) -> Iterator[Markup]:
    """Yield vertical grid lines with numbers below, and the title; `whole` is for counts."""
    ticks = panel.x.ticks(whole=whole)
    for tick in ticks:
        at = panel.x(tick)
        yield element("path", d=f"M{at:.1f} {panel.y.end:.1f}V{panel.y.start:.1f}", class_="grid")
        yield label(tick_text(tick, ticks), at, panel.y.start + 15, class_="tick")
    yield label(title, (panel.x.start + panel.x.end) / 2, panel.y.start + 33, class_="axis")


def upwards(panel: Frame) -> Iterator[Markup]:
    """Yield horizontal grid lines with numbers beside them."""
    ticks = panel.y.ticks()
    for tick in ticks:
        at = panel.y(tick)
        yield element("path", d=f"M{panel.x.start:.1f} {at:.1f}H{panel.x.end:.1f}", class_="grid")
        yield label(tick_text(tick, ticks), panel.x.start - 6, at + 4, "end", class_="tick")


def room_for(names: list[str]) -> float:
    """Return the width of the longest name beside a chart, in drawing units."""
    return CHARACTER * max(map(len, names), default=0) + 14

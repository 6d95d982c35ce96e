"""SVG elements as text, panels with axes and round ticks, and the styles of series."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, isfinite, log10
from typing import Any

from markupsafe import Markup

from harness.report.figures.drawing import KNOWN, LOOKS, looks_of
from harness.report.page.text import visible

#: Width of a character of the labels, in the drawing's units.
_CHARACTER = 6.6
_DASHES = {"-": "", "--": "7 4", "-.": "8 3 2 3", ":": "2 3"}
_MARKS = {
    "o": "M{0} {1}m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
    "s": "M{0} {1}m-3.7 -3.7h7.4v7.4h-7.4z",
    "^": "M{0} {1}m0 -4.8l4.6 8.2h-9.2z",
    "D": "M{0} {1}m0 -5l5 5l-5 5l-5 -5z",
    "v": "M{0} {1}m0 4.8l4.6 -8.2h-9.2z",
    "P": "M{0} {1}m-1.7 -4.8h3.4v3.1h3.1v3.4h-3.1v3.1h-3.4v-3.1h-3.1v-3.4h3.1z",
    "X": "M{0} {1}m0 -2.2l2.6 -2.6l2.2 2.2l-2.6 2.6l2.6 2.6l-2.2 2.2l-2.6 -2.6l-2.6 2.6l-2.2 -2.2"
    "l2.6 -2.6l-2.6 -2.6l2.2 -2.2z",
}


@dataclass(frozen=True, slots=True)
class Look:
    """The style of a series: a colour of the style sheet (`c0` to `c6`), a mark, a dash."""

    colour: str
    mark: str
    dash: str


def looks(names: Iterable[str]) -> dict[str, Look]:
    """Return a style for each name: the first 28 differ, and known methods have fixed styles."""
    given = list(names)
    assigned = {name: look for name, look in looks_of(KNOWN).items() if name in given}
    free = [look for look in LOOKS if look not in assigned.values()]
    for number, name in enumerate(name for name in given if name not in assigned):
        again, place = divmod(number, len(free))
        _, shape, line = LOOKS[(LOOKS.index(free[place]) + again) % len(LOOKS)]
        assigned[name] = (free[place][0], shape, line)
    colours = [colour for colour, _, _ in LOOKS]
    return {
        name: Look(f"c{colours.index(colour)}", shape, _DASHES[line])
        for name in given
        for colour, shape, line in [assigned[name]]
    }


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear map from data to drawing units: `low` maps to `start`, `high` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the position of a value; values outside the range stay outside."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, count: int = 4, *, whole: bool = False) -> list[float]:
        """Return about `count` round numbers in the range; `whole` allows integers only."""
        rough = (self.high - self.low) / count
        power = 10.0 ** floor(log10(rough))
        step = next(power * m for m in (1, 2, 2.5, 5, 10) if rough <= power * m * 1.0001)
        step = float(ceil(step)) if whole else step
        first = -floor(-self.low / step)
        last = floor(self.high / step)
        return [round(step * i, 12) for i in range(first, last + 1)]


def around(values: Iterable[float], share: float = 0.06) -> tuple[float, float]:
    """Return the range of the finite values with a margin on both sides; it is never empty."""
    finite = [value for value in values if isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=1.0)
    room = (high - low) * share or abs(high) * share or 1.0
    return low - room, high + room


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
    return Frame(width, height, Scale(*x, left, width - 12.0), Scale(*y, height - 40.0, top))


def room_for(names: Iterable[str]) -> float:
    """Return the width of the longest name beside a chart, in drawing units."""
    return _CHARACTER * max((len(clipped(name)) for name in names), default=0) + 14


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
        yield level(panel, at)
        yield label(tick_text(tick, ticks), panel.x.start - 6, at + 4, "end", class_="tick")


def level(panel: Frame, at: float, class_: str = "grid") -> Markup:
    """Return a horizontal line through a panel."""
    return element("path", d=f"M{panel.x.start:.1f} {at:.1f}H{panel.x.end:.1f}", class_=class_)


def tick_text(value: float, ticks: Sequence[float]) -> str:
    """Return the text of a tick with as many decimals as its neighbours need."""
    step = min((b - a for a, b in pairwise(ticks)), default=1.0)
    digits = next((d for d in range(7) if abs(round(step, d) - step) < step * 1e-6), 6)
    return f"{value:.{digits}f}".replace("-", "−")


def element(tag: str, *children: Any, **attributes: Any) -> Markup:
    """Return an element; texts are escaped and made visible, numbers have at most two decimals.

    `class_` is the attribute `class`; underscores become hyphens; None leaves an attribute out.
    """
    attribute_text = Markup("").join(
        Markup(' {}="{}"').format(name.rstrip("_").replace("_", "-"), _plain(value))
        for name, value in attributes.items()
        if value is not None
    )
    inside = Markup("").join(map(_plain, children))
    return Markup("<{0}{1}>{2}</{0}>").format(tag, attribute_text, inside)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return value if isinstance(value, Markup) else visible(str(value))


def mark(look: Look, x: float, y: float, tip: str = "", **attributes: Any) -> Markup:
    """Return a point of a series; `tip` is its tooltip."""
    path = _MARKS[look.mark].format(_plain(x), _plain(y))
    children = (element("title", tip),) if tip else ()
    name = f"mark {look.colour} {attributes.pop('class_', '')}".strip()
    return element("path", *children, d=path, class_=name, **attributes)


def bar(look: Look, ends: Sequence[float], y: float) -> Markup:
    """Return a horizontal line between two positions, such as an interval."""
    return element("path", d=f"M{_plain(ends[0])} {_plain(y)}H{_plain(ends[1])}",
                   class_=f"bar {look.colour}")  # fmt: skip


def upright(look: Look, x: float, ends: Sequence[float]) -> Markup:
    """Return a vertical line between two positions."""
    return element("path", d=f"M{_plain(x)} {_plain(ends[0])}V{_plain(ends[1])}",
                   class_=f"bar {look.colour}")  # fmt: skip


def label(text: str, x: float, y: float, anchor: str = "middle", **attributes: Any) -> Markup:
    """Return a text; `anchor` is start, middle or end."""
    return element("text", text, x=x, y=y, text_anchor=anchor, **attributes)


def named(panel: Frame, name: str, y: float) -> Markup:
    """Return a name left of a panel."""
    return label(clipped(name), panel.x.start - 8, y + 4, "end")


def drawing(panel: Frame, title: str, *children: Markup) -> Markup:
    """Return a scalable drawing; `title` is its label for screen readers."""
    width, height = _plain(float(panel.width)), _plain(float(panel.height))
    return element(
        "svg", *children, viewBox=f"0 0 {width} {height}", role="img", aria_label=title,
        class_="chart", style=f"max-width:{width}px",
    )  # fmt: skip


def clipped(name: str, most: int = 24) -> str:
    """Return a name cut to fit beside a drawing."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def shown_key(names: Mapping[str, Look]) -> Markup:
    """Return a legend with a mark for each name."""
    hidden = {"viewBox": "0 0 14 14", "class_": "chart key", "aria_hidden": "true"}
    marks = {name: element("svg", mark(look, 7.0, 7.0), **hidden) for name, look in names.items()}
    rows = (element("span", shape, name) for name, shape in marks.items())
    return element("div", *rows, class_="legend")

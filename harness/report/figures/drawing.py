"""The style of all figures, and their PNG and SVG files: equal bytes from equal data.

Colours are Okabe and Ito's, which colour-blind readers can tell apart.
"""

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any, TypeVar

from harness.storage.atomic_files import write_bytes

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#6E6E6E"
_PINK, _AMBER, _SKY = "#CC79A7", "#E69F00", "#56B4E9"
Look = tuple[str, str, str]
#: Colour, marker and line of series after series: each of the three tells them apart.
LOOKS = (
    (BLUE, "o", "-"),
    (ORANGE, "s", "--"),
    (GREEN, "^", "-."),
    (_PINK, "D", ":"),
    (_AMBER, "v", "-"),
    (_SKY, "P", "--"),
    (GREY, "X", "-."),
)
#: Methods that keep their look in every picture.
KNOWN = ("dpo", "infonca", "nca")
_SETTINGS = {
    "svg.hashsalt": "nca",
    "svg.fonttype": "none",
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "axes.edgecolor": GREY,
    "xtick.color": "#333333",
    "ytick.color": "#333333",
}
Panel = TypeVar("Panel")


def legend_below(figure: Any) -> None:
    """Draw one legend below all panels, with each name of any panel once."""
    handles: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    legend(figure, handles)


def legend(figure: Any, handles: Mapping[str, Any]) -> None:
    """Draw one legend of labels and their handles below all panels."""
    figure.legend(
        list(handles.values()), list(handles), loc="outside lower center", ncols=len(handles),
        frameon=False, fontsize=8.5,
    )  # fmt: skip


def draw_panels(
    stem: Path,
    panels: Sequence[Panel],
    draw: Callable[[Any, Panel], None],
    size: tuple[float, float],
    *,
    finish: Callable[[Any], None] = legend_below,
    sharey: bool = True,
) -> tuple[Path, ...]:
    """Draw panels side by side and return the files written; none without panels.

    Neither the user's settings file nor pyplot, which has a global state, is used. `stem` is the
    path without `.png` and `.svg`; `draw` draws a panel's data on its axes; `size` is the width and
    height of a panel in inches; `finish` gets the whole figure in the end; `sharey` gives the
    panels one y axis.
    """
    if not panels:
        return ()
    from matplotlib import rc_context, rcParamsDefault
    from matplotlib.figure import Figure

    width, height = size
    defaults = {key: value for key, value in rcParamsDefault.items() if key != "backend"}
    with rc_context({**defaults, **_SETTINGS}):
        # One narrow panel would cut the legend off.
        width = max(6.0, 0.9 + width * len(panels))
        figure: Any = Figure(figsize=(width, height), layout="constrained")
        figure.subplots(1, len(panels), sharey=sharey, squeeze=False)
        for axes, panel in zip(figure.axes, panels, strict=True):
            draw(axes, panel)
        finish(figure)
        return _save(figure, stem)


def looks_of(names: Iterable[str]) -> dict[str, Look]:
    """Return a look for each name; those of the paper's methods never change."""
    others = cycle(LOOKS[len(KNOWN) :])
    fixed = dict(zip(KNOWN, LOOKS, strict=False))
    return {name: fixed[name] if name in fixed else next(others) for name in names}


def grid(axes: Any, axis: str) -> None:
    """Draw faint lines behind the data, across one axis ("x", "y") or "both"."""
    axes.grid(axis=axis, color="#E3E3E3", linewidth=0.8)
    axes.set_axisbelow(True)


def _save(figure: Any, stem: Path) -> tuple[Path, ...]:
    """Write PNG and SVG without dates or versions, each renamed into place when complete."""
    written = []
    for kind, metadata in (("png", {"Software": None}), ("svg", {"Date": None, "Creator": None})):
        data = io.BytesIO()
        figure.savefig(data, format=kind, dpi=160, metadata=metadata)
        written.append(stem.with_name(f"{stem.name}.{kind}"))
        write_bytes(written[-1], data.getvalue())
    return tuple(written)

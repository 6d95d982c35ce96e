"""The style of all figures, and their PNG and SVG files: equal bytes from equal data.

Colours are Okabe and Ito's, which colour-blind readers can tell apart.
"""

import io
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from itertools import cycle
from pathlib import Path
from typing import Any, cast

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


def styled() -> AbstractContextManager[None]:
    """Apply our style during one drawing; the user's settings file is not read."""
    from matplotlib import rc_context, rcParamsDefault

    defaults = {key: value for key, value in rcParamsDefault.items() if key != "backend"}
    return cast("AbstractContextManager[None]", rc_context({**defaults, **_SETTINGS}))


def panels_of(panels: int, width: float, height: float, *, sharey: bool = True) -> Any:
    """Return a figure of panels side by side, with a shared y axis or not; sizes in inches.

    No global state: pyplot is not used.
    """
    from matplotlib.figure import Figure

    # One narrow panel would cut the legend off.
    figure = Figure(figsize=(max(6.0, 0.9 + width * panels), height), layout="constrained")
    figure.subplots(1, panels, sharey=sharey, squeeze=False)
    return figure


def legend(figure: Any, handles: Sequence[Any], labels: Sequence[str]) -> None:
    """Draw one legend below all panels."""
    figure.legend(
        handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, fontsize=8.5
    )


def looks_of(names: Iterable[str]) -> dict[str, Look]:
    """Return a look for each name; those of the paper's methods never change."""
    others = cycle(LOOKS[len(KNOWN) :])
    fixed = dict(zip(KNOWN, LOOKS, strict=False))
    return {name: fixed[name] if name in fixed else next(others) for name in names}


def grid(axes: Any, axis: str) -> None:
    """Draw faint lines behind the data, across one axis ("x", "y") or "both"."""
    axes.grid(axis=axis, color="#E3E3E3", linewidth=0.8)
    axes.set_axisbelow(True)


def save(figure: Any, stem: Path) -> tuple[Path, ...]:
    """Write PNG and SVG without dates or versions, each renamed into place when complete."""
    written = []
    for kind, metadata in (("png", {"Software": None}), ("svg", {"Date": None, "Creator": None})):
        data = io.BytesIO()
        figure.savefig(data, format=kind, dpi=160, metadata=metadata)
        path = stem.with_name(f"{stem.name}.{kind}")
        write_bytes(path, data.getvalue())
        written.append(path)
    return tuple(written)

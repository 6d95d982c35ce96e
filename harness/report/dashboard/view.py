"""What the dashboard's page holds, and which parts of it changed since a browser last asked."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from jinja2 import Environment
from markupsafe import Markup

from harness.progress.wording import clock, failures, per_second
from harness.report.dashboard.files import address
from harness.report.dashboard.overview import Overview, Run, overview
from harness.report.dashboard.reading import Reader
from harness.report.page.render import Asset, environment, page
from harness.storage.hashing import digest

_PACKAGE = "harness.report.dashboard"
#: Seconds that a look at the folder serves every browser that asks.
FRESH_S = 1.0
_PARTS = ("status", "work", "board", "runs", "unread")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the page: what it is made of, its HTML, and a hash of that."""

    made_of: Any
    html: str
    print: str


class View:
    """The page of a folder; several requests may ask at once.

    Args:
        root: the folder that is shown.
        shown: as its user calls it.
        now: seconds, from a clock that never jumps.
    """

    def __init__(self, root: Path, shown: str, now: Callable[[], float] = time.monotonic) -> None:
        self._root, self._shown, self._now = root.resolve(), shown, now
        self._reader = Reader()
        self._lock = threading.Lock()
        self._parts: dict[str, Part] = {}
        self._looked: float | None = None
        self._more = False
        self._templates = _templates()

    def page(self) -> str:
        """The whole page, as things stand now."""
        return page(
            self._templates,
            "dashboard.html",
            scripts=[Asset(_PACKAGE, "morph.js"), Asset(_PACKAGE, "dashboard.js")],
            styles=[Asset(_PACKAGE, "dashboard.css")],
            connect=True,
            title=f"nca: {self._shown}",
            shown=self._shown,
            parts={name: _marked(part) for name, part in self._current().items()},
        )

    def live(self, query: str = "") -> str:
        """JSON: `{"parts": {name: {"print": str, "html": str}}, "more": bool}`.

        Parts are those that changed; `more` says that results are still to be read.

        Args:
            query: `have=PRINT` for every part that the browser has.
        """
        have = set(parse_qs(query).get("have", ()))
        changed = {
            name: {"print": part.print, "html": part.html}
            for name, part in self._current().items()
            if part.print not in have
        }
        return json.dumps({"parts": changed, "more": self._more})

    def _current(self) -> Mapping[str, Part]:
        """The parts of a fresh look, or of one that is a second old at most."""
        with self._lock:
            if self._more or self._looked is None or self._now() - self._looked >= FRESH_S:
                found = overview(self._root, self._shown, self._reader)
                made = {name: self._part(name, _made_of(name, found)) for name in _PARTS}
                self._parts, self._looked, self._more = made, self._now(), found.waiting > 0
            return self._parts

    def _part(self, name: str, made_of: Any) -> Part:
        old = self._parts.get(name)
        if old is not None and old.made_of == made_of:
            return old
        html = self._templates.get_template(f"{name}.html").render(found=made_of, shown=self._shown)
        return Part(made_of, html, digest([name, html], 16))


def _marked(part: Part) -> dict[str, Any]:
    """A part for the page's template; its HTML is escaped already."""
    return {"print": part.print, "html": Markup(part.html)}  # noqa: S704 - made by our templates


def _made_of(name: str, found: Overview) -> Any:
    """What a part shows, so that it is made anew only where that changed."""
    if name == "status":
        return {"runs": len(found.runs), "work": len(_at_work(found)), "waiting": found.waiting}
    if name == "work":
        return _at_work(found)
    if name == "board":
        reports = {run.name: run.report for run in found.runs}
        pages = {run.name: run.pages for run in found.runs}
        return {"board": found.board, "reports": reports, "pages": pages}
    return found.runs if name == "runs" else found.unread


def _at_work(found: Overview) -> list[Run]:
    states = ("working", "between")
    return [run for run in found.runs if run.standing and run.standing.state in states]


def _templates() -> Environment:
    found = environment(_PACKAGE)
    found.filters |= {
        "address": _link,
        "clock": clock,
        "when": when,
        "speed": per_second,
    }
    found.globals |= {"failures": failures}
    return found


def _link(path: str) -> str:
    """Where the server has a file, of a path below the folder."""
    return f"files/{address(path)}"


def when(nanoseconds: int) -> str:
    """A moment in this machine's time, to the minute; "" where no calendar has it."""
    try:
        return datetime.fromtimestamp(nanoseconds / 1e9).astimezone().strftime("%Y-%m-%d %H:%M")
    except (OverflowError, ValueError, OSError):
        return ""

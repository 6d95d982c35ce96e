"""The page of the dashboard, and its parts that changed since a browser's last request."""

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

from markupsafe import Markup

from harness.progress.wording import clock, failures, per_second
from harness.report.dashboard.overview import Overview, overview
from harness.report.dashboard.reading import Reader
from harness.report.page.render import Asset, environment, page
from harness.storage.hashing import digest

_PACKAGE = "harness.report.dashboard"
#: Seconds for which a view of the folder serves every request.
FRESH_S = 1.0


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the page: its values, its HTML, and the fingerprint of the HTML."""

    values: Any
    html: Markup
    fingerprint: str


class View:
    """The page of the folder `root`, named `shown` on it; safe for concurrent requests.

    `now` is a monotonic clock in seconds.
    """

    def __init__(self, root: Path, shown: str, now: Callable[[], float] = time.monotonic) -> None:
        self._root, self._shown, self._now = root.resolve(), shown, now
        self._reader = Reader()
        self._lock = threading.Lock()
        self._parts: dict[str, Part] = {}
        self._looked: float | None = None
        self._more = False
        self._templates = environment(_PACKAGE)
        self._templates.filters |= {"address": _address, "clock": clock, "when": _when}
        self._templates.filters["speed"] = per_second
        self._templates.globals["failures"] = failures

    def page(self) -> str:
        """Render the whole page."""
        return page(
            self._templates,
            "dashboard.html",
            scripts=[Asset(_PACKAGE, "morph.js"), Asset(_PACKAGE, "dashboard.js")],
            styles=[Asset(_PACKAGE, "dashboard.css")],
            connect=True,
            title=f"nca: {self._shown}",
            shown=self._shown,
            parts=self._current(),
        )

    def live(self, query: str = "") -> str:
        """Return `{"parts": {name: {"print": str, "html": str}}, "more": bool}` as JSON.

        `parts` holds changed parts; `more` is true while some results are not read yet. The query
        has `have=PRINT` for every part of the browser's page.
        """
        have = set(parse_qs(query).get("have", ()))
        changed = {
            name: {"print": part.fingerprint, "html": part.html}
            for name, part in self._current().items()
            if part.fingerprint not in have
        }
        return json.dumps({"parts": changed, "more": self._more})

    def _current(self) -> Mapping[str, Part]:
        """Return the current parts, which are at most a second old."""
        with self._lock:
            if self._more or self._looked is None or self._now() - self._looked >= FRESH_S:
                content = overview(self._root, self._shown, self._reader)
                self._parts = {name: self._part(name, v) for name, v in _values(content).items()}
                self._looked, self._more = self._now(), content.waiting > 0
            return self._parts

    def _part(self, name: str, values: Any) -> Part:
        old = self._parts.get(name)
        if old is not None and old.values == values:
            return old
        template = self._templates.get_template(f"{name}.html")
        html = template.render(content=values, shown=self._shown)
        markup = Markup(html)  # noqa: S704 - escaped by our templates
        return Part(values, markup, digest([name, html], 16))


def _values(content: Overview) -> dict[str, Any]:
    """Return the values of each part, which is rendered again only when they change."""
    runs = content.runs
    work = [run for run in runs if run.status and run.status.state in ("working", "between")]
    return {
        "status": {"runs": len(runs), "work": len(work), "waiting": content.waiting},
        "work": work,
        "board": {
            "board": content.board,
            "reports": {run.name: run.report for run in runs},
            "pages": {run.name: run.pages for run in runs},
        },
        "runs": runs,
        "unread": content.unread,
    }


def _address(path: str) -> str:
    """Return the address of a file, given its path below the folder."""
    return f"files/{quote(os.fsencode(path))}"


def _when(nanoseconds: int) -> str:
    """Return a time in the local time zone to the minute; "" if it is out of range."""
    try:
        return datetime.fromtimestamp(nanoseconds / 1e9).astimezone().strftime("%Y-%m-%d %H:%M")
    except (OverflowError, ValueError, OSError):
        return ""

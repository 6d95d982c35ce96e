"""A dashboard that is served from this process, real stages of real processes, a real browser."""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.report.dashboard.server import Server
from harness.report.dashboard.view import View

from .folders import Stage

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture
def at_work() -> Iterator[Callable[[Path], Stage]]:
    """Starts stages; those that still work at the end are killed."""
    begun: list[Stage] = []

    def start(folder: Path) -> Stage:
        begun.append(Stage(folder))
        return begun[-1]

    yield start
    for stage in begun:
        stage.kill()


@contextmanager
def served(root: Path) -> Iterator[Server]:
    """A server on any free port, which looks at the folder for every request."""
    clock = itertools.count(step=10)
    with Server(root, View(root, root.name, now=lambda: float(next(clock))), 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own folder."""
    with served(tmp_path) as found:
        yield found


@pytest.fixture
def server_below() -> Iterator[Callable[[Path], Server]]:
    """Starts servers of other folders."""
    with ExitStack() as stack:
        yield lambda root: stack.enter_context(served(root))


@pytest.fixture
def opened(chromium: "Browser", server: Server) -> Iterator[Callable[..., "Page"]]:
    """Opens the dashboard; a page that complains or asks anybody else fails the test."""
    contexts, faults = [], []

    def open_page(**options: Any) -> "Page":
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.clock.install()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text))
        page.on("dialog", lambda dialog: faults.append(dialog.message))
        page.on("request", lambda request: asked(request.url))
        page.goto(server.url)
        return page

    def asked(url: str) -> None:
        if not url.startswith((server.url, "data:")):
            faults.append(f"asked for {url}")

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []

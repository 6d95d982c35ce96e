"""A report of a made-up run, and a tab that opens it from disk."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from harness.report.html.build import build
from harness.report.html.material import gather, source
from harness.storage.result import Result, read_result

from .made import made


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of `made`."""
    folder = tmp_path_factory.mktemp("run")
    made(folder)
    return folder


@pytest.fixture(scope="session")
def result(run_folder: Path) -> Result:
    """Its result."""
    return read_result(run_folder)


@pytest.fixture(scope="session")
def report(run_folder: Path, result: Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of its report."""
    out = tmp_path_factory.mktemp("report")
    build(gather([source(result, run_folder)]), out)
    return out


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Page]:
    """A tab that fails the test if a page raises, complains, or asks for anything but files."""
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text))
    page.on("request", lambda asked: wrong.append(asked.url) if not _page(asked.url) else None)
    yield page
    page.close()
    assert wrong == []


def _page(url: str) -> bool:
    return url.startswith("file://") and ".html" in url

"""`make bench-report`: a report of 4 checkpoints x 10 suites x 5,000 samples, built and looked at.

The run folder is made up (`report_run.py`). Timed are: the command `nca report` from its start to
its end; the first page in Chromium, from asking for it until its table can be used; on a suite's
page, until its samples can be used, and then every filter, as the page itself measures it: from
the click until the list stands anew. The first search unpacks all texts, which is told apart.
"""

import argparse
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.report_run import write

_READY = "html[data-ready]"
_SUITE = "suite-mt_bench.html"


def row(what: str, seconds: Sequence[float]) -> str:
    """A line of the table: least, median and most of some times."""
    numbers = (min(seconds), statistics.median(seconds), max(seconds))
    return f"{what:<44}" + "".join(f"{number:>9.3f}" for number in numbers) + f"{len(seconds):>5}"


def built(folder: Path, out: Path) -> float:
    """Seconds that `nca report` takes."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "harness.cli.main", "report", str(folder), "-o", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def opened(browser: Any, file: Path) -> tuple[float, Any]:
    """Seconds until a page can be used, and its tab."""
    tab = browser.new_page()
    began = time.perf_counter()
    tab.goto(f"file://{file}")
    tab.wait_for_selector(_READY, state="attached")
    return time.perf_counter() - began, tab


def filtered(tab: Any) -> list[float]:
    """Seconds of each filter of a suite's page, clicked one after the other."""
    tab.evaluate("performance.clearMeasures('filter')")
    for cell in ("up", "down", "same", "same"):
        tab.click(f"button[data-cell='{cell}']")
    for option in ("a:truncated", "b:ok", ""):
        tab.select_option("#status", option)
    found = "performance.getEntriesByName('filter').map(one => one.duration / 1000)"
    return [float(one) for one in tab.evaluate(found)]


#: Types a word, and waits until the list stands anew; seconds without the pause that typing has.
_SEARCH = """async (word) => {
  performance.clearMeasures("filter");
  const [box, began] = [document.getElementById("search"), performance.now()];
  box.value = word;
  box.dispatchEvent(new Event("input"));
  while (!performance.getEntriesByName("filter").length) {
    await new Promise((done) => setTimeout(done, 1));
  }
  return (performance.now() - began - 120) / 1000;
}"""


def looked_at(out: Path, chromium: str, rounds: int) -> list[str]:
    """The lines of the table that a browser measures."""
    from playwright.sync_api import sync_playwright

    times: dict[str, list[float]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(rounds):
            seconds, tab = opened(browser, out / "index.html")
            times.setdefault("index opens in Chromium", []).append(seconds)
            tab.close()
            seconds, tab = opened(browser, out / _SUITE)
            times.setdefault(f"{_SUITE} opens", []).append(seconds)
            times.setdefault("a filter answers", []).extend(filtered(tab))
            times.setdefault("first search, texts unpacked", []).append(
                tab.evaluate(_SEARCH, "twelve")
            )
            times.setdefault("another search", []).append(tab.evaluate(_SEARCH, "twelve forty"))
            tab.close()
        browser.close()
    return [row(what, seconds) for what, seconds in times.items()]


def main() -> None:
    """Make the run up, build its report, look at it, print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--samples", type=int, default=5_000)
    options.add_argument("--rounds", type=int, default=3)
    told = options.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as place:
        folder, out = Path(place) / "run", Path(place) / "report"
        write(folder, told.samples)
        print(f"{'seconds':<44}{'min':>9}{'median':>9}{'max':>9}{'n':>5}")
        print(row("nca report", [built(folder, out) for _ in range(told.rounds)]), flush=True)
        most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
        for line in looked_at(out, chromium, told.rounds) if chromium else ():
            print(line)
        if chromium is None:
            print("no chromium on the path: pages were not opened")
        sizes = {file.name: file.stat().st_size / 1e6 for file in out.iterdir()}
        print(f"index {sizes['index.html']:.2f} MB, largest page {max(sizes.values()):.1f} MB")
        print(f"memory of nca report at its peak: {most:.2f} GB")


if __name__ == "__main__":
    main()

"""The content of the dashboard at a moment: runs with their status, and the leaderboard."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.report.dashboard.discovery import Entry, discover
from harness.report.dashboard.leaderboard import Leaderboard, leaderboard
from harness.report.dashboard.reading import Planned, Reader, Scored, planned, scored
from harness.report.dashboard.run_status import RunStatus, status_of
from harness.report.page.text import page_files


@dataclass(frozen=True, slots=True)
class Run:
    """A run, result file or report, named by its path below the folder that is shown.

    `planned` is the extent of an unfinished run, from its recipe. `result` is the content of the
    result, or the reason why it cannot be read; None if it is missing or `waits` to be read.
    `report` is the page of the report below the folder, or ""; `pages` maps checkpoints to its
    other pages; `command` writes it.
    """

    name: str
    entry: Entry
    status: RunStatus | None = None
    planned: Planned | None = None
    result: Scored | str | None = None
    waits: bool = False
    report: str = ""
    pages: Mapping[str, str] = field(default_factory=dict)
    command: str = ""

    @property
    def scored(self) -> Scored | None:
        """Return the result if it could be read."""
        return self.result if isinstance(self.result, Scored) else None

    @property
    def fault(self) -> str:
        """Return the reason why the result cannot be read, or ""."""
        return self.result if isinstance(self.result, str) else ""


@dataclass(frozen=True, slots=True)
class Overview:
    """The content of a folder, newest first.

    `unread` has JSON files that are no readable result, with the reasons. The `board` is over all
    results that were read; `waiting` counts those that are not read yet.
    """

    runs: tuple[Run, ...]
    unread: tuple[tuple[str, str], ...]
    board: Leaderboard
    waiting: int


def overview(root: Path, shown: str, reader: Reader) -> Overview:
    """Return the overview of a folder, which commands name as `shown`."""
    entries = discover(root)
    reader.begin(file for entry in entries for file in _files(entry))
    runs = [_run(entry, root, shown, reader) for entry in entries]
    # A run with a torn result stays a run; another file may be no result.
    unread = {run.name: run.fault for run in runs if run.fault and run.entry.kind == "result"}
    return Overview(
        runs=tuple(run for run in runs if run.name not in unread),
        unread=tuple(unread.items()),
        board=leaderboard({run.name: run.scored for run in runs if run.scored}),
        waiting=sum(run.waits for run in runs),
    )


def _files(entry: Entry) -> tuple[Path, ...]:
    if entry.kind == "run":
        return entry.path / "result.json", entry.path / "recipe.resolved.yaml"
    return (entry.path,)


def _run(entry: Entry, root: Path, shown: str, reader: Reader) -> Run:
    below = entry.path.relative_to(root)
    name = root.name if entry.path == root else below.as_posix()
    report = "" if entry.report is None else entry.report.relative_to(root).as_posix()
    if entry.kind == "report":
        return Run(below.parent.as_posix(), entry, report=report)
    path, status, extent = Path(shown) / below, None, None
    file, out = entry.path, path.with_suffix("")
    if entry.kind == "run":
        file, out = entry.path / "result.json", path / "report"
        status = status_of(entry.path, entry.modified)
        if status.state != "finished":
            extent = reader.read(entry.path / "recipe.resolved.yaml", planned)
    there = file.is_file()
    result = reader.read(file, scored) if there else None
    return Run(
        name=name,
        entry=entry,
        status=status,
        planned=extent,
        result=result,
        waits=result is None and there,
        report=report,
        pages=_pages(entry, root, result),
        command=shlex.join(["nca", "report", str(path), "-o", str(out)]),
    )


def _pages(entry: Entry, root: Path, result: Scored | str | None) -> dict[str, str]:
    if entry.report is None or not isinstance(result, Scored):
        return {}
    files = page_files("checkpoint", result.rows).items()
    pages = {name: entry.report.with_name(file) for name, file in files}
    return {n: page.relative_to(root).as_posix() for n, page in pages.items() if page.is_file()}

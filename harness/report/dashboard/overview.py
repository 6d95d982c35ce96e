"""The content of the dashboard at a moment: runs with their status, and the leaderboard."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.report.dashboard.discovery import Entry, discover
from harness.report.dashboard.leaderboard import Leaderboard, leaderboard
from harness.report.dashboard.reading import Planned, Reader, Scored, Unreadable
from harness.report.dashboard.run_status import RunStatus, status_of
from harness.report.page.text import page_files


@dataclass(frozen=True, slots=True)
class Run:
    """A run, result file or report.

    Attributes:
        name: the path below the folder that is shown.
        entry: the kind, path and time of the last change.
        status: the status of a run folder.
        planned: the extent of an unfinished run, from its recipe.
        result: the content of the result; None if it is missing or not read yet.
        waits: True while the result is not read yet.
        report: the page of the report below the folder that is shown, or "".
        pages: checkpoint -> page of the report, if there is one.
        command: the command that writes the report.
    """

    name: str
    entry: Entry
    status: RunStatus | None = None
    planned: Planned | None = None
    result: Scored | Unreadable | None = None
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
        return self.result.reason if isinstance(self.result, Unreadable) else ""


@dataclass(frozen=True, slots=True)
class Overview:
    """The content of a folder, newest first.

    Attributes:
        runs: run folders, results and reports.
        unread: names of JSON files that are no readable result, with the reasons.
        board: the leaderboard of all results that were read.
        waiting: the number of results that are not read yet.
    """

    runs: tuple[Run, ...]
    unread: tuple[tuple[str, str], ...]
    board: Leaderboard
    waiting: int


def overview(root: Path, shown: str, reader: Reader) -> Overview:
    """Return the overview of a folder.

    Args:
        root: the folder.
        shown: the name of the folder in commands.
        reader: the reader, which caches results of earlier calls.
    """
    entries = discover(root)
    reader.begin(file for entry in entries for file in _files(entry))
    runs = [_run(entry, root, shown, reader) for entry in entries]
    board = leaderboard({entry.name: entry.scored for entry in runs if entry.scored})
    return Overview(
        runs=tuple(entry for entry in runs if not _is_foreign(entry)),
        unread=tuple((entry.name, entry.fault) for entry in runs if _is_foreign(entry)),
        board=board,
        waiting=sum(entry.waits for entry in runs),
    )


def _is_foreign(run: Run) -> bool:
    """Return True for an unreadable result file; a run with a torn result stays a run."""
    return bool(run.fault) and run.entry.kind == "result"


def _files(entry: Entry) -> Iterable[Path]:
    if entry.kind == "run":
        return (entry.path / "result.json", entry.path / "recipe.resolved.yaml")
    return (entry.path,)


def _run(entry: Entry, root: Path, shown: str, reader: Reader) -> Run:
    below = entry.path.relative_to(root)
    name = root.name if entry.path == root else below.as_posix()
    report = "" if entry.report is None else entry.report.relative_to(root).as_posix()
    if entry.kind == "report":
        return Run(below.parent.as_posix(), entry, report=report)
    status = planned = None
    file = entry.path
    if entry.kind == "run":
        file = entry.path / "result.json"
        status = status_of(entry.path, entry.modified)
        if status.state != "finished":
            planned = reader.planned(entry.path / "recipe.resolved.yaml")
    result = reader.scored(file) if file.is_file() else None
    return Run(
        name=name,
        entry=entry,
        status=status,
        planned=planned,
        result=result,
        waits=result is None and file.is_file(),
        report=report,
        pages=_pages(entry, root, result),
        command=_command(Path(shown) / below, entry),
    )


def _pages(entry: Entry, root: Path, result: Scored | Unreadable | None) -> dict[str, str]:
    if entry.report is None or not isinstance(result, Scored):
        return {}
    home = entry.report.parent
    named = page_files("checkpoint", result.rows)
    there = {name: home / file for name, file in named.items() if (home / file).is_file()}
    return {name: page.relative_to(root).as_posix() for name, page in there.items()}


def _command(path: Path, entry: Entry) -> str:
    out = path / "report" if entry.kind == "run" else path.with_suffix("")
    return shlex.join(["nca", "report", str(path), "-o", str(out)])

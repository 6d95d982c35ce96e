"""All that the dashboard shows at one moment: runs, where they stand, the leaderboard."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.report.dashboard.discovery import Found, find
from harness.report.dashboard.leaderboard import Leaderboard, leaderboard
from harness.report.dashboard.reading import Planned, Reader, Scored, Unreadable
from harness.report.dashboard.run_status import Standing, standing_of
from harness.report.page.text import page_files


@dataclass(frozen=True, slots=True)
class Run:
    """One run, result file or report.

    Attributes:
        name: where it lies, below the folder that is shown.
        found: what it is, and when it was last worked on.
        standing: of a run folder: where it stands.
        planned: of one that is not finished: how much its recipe asks for.
        result: what its result says; None where there is none, or where it is still to be read.
        waits: whether its result is still to be read.
        report: its page, below the folder that is shown; "" without one.
        pages: checkpoint -> its page of the report, where there is one.
        command: what makes its report.
    """

    name: str
    found: Found
    standing: Standing | None = None
    planned: Planned | None = None
    result: Scored | Unreadable | None = None
    waits: bool = False
    report: str = ""
    pages: Mapping[str, str] = field(default_factory=dict)
    command: str = ""

    @property
    def scored(self) -> Scored | None:
        """Its result, where it could be read."""
        return self.result if isinstance(self.result, Scored) else None

    @property
    def fault(self) -> str:
        """Why its result cannot be read; "" where that is not so."""
        return self.result.reason if isinstance(self.result, Unreadable) else ""


@dataclass(frozen=True, slots=True)
class Overview:
    """What is below a folder, newest first.

    Attributes:
        runs: run folders, results and reports.
        unread: JSON files that are no result, or none that can be read, by name.
        board: the leaderboard over all results that were read.
        waiting: results that are still to be read.
    """

    runs: tuple[Run, ...]
    unread: tuple[tuple[str, str], ...]
    board: Leaderboard
    waiting: int


def overview(root: Path, shown: str, reader: Reader) -> Overview:
    """Look at a folder.

    Args:
        root: the folder.
        shown: as its user calls it, for commands to be typed.
        reader: knows what earlier looks have read.
    """
    found = find(root)
    reader.begin(file for one in found for file in _files(one))
    runs = [_run(one, root, shown, reader) for one in found]
    board = leaderboard({one.name: one.scored for one in runs if one.scored})
    return Overview(
        runs=tuple(one for one in runs if not _is_foreign(one)),
        unread=tuple((one.name, one.fault) for one in runs if _is_foreign(one)),
        board=board,
        waiting=sum(one.waits for one in runs),
    )


def _is_foreign(run: Run) -> bool:
    """Whether it is a file of its own that is no result; a run whose result is torn stays a run."""
    return bool(run.fault) and run.found.kind == "result"


def _files(found: Found) -> Iterable[Path]:
    if found.kind == "run":
        return (found.path / "result.json", found.path / "recipe.resolved.yaml")
    return (found.path,)


def _run(found: Found, root: Path, shown: str, reader: Reader) -> Run:
    below = found.path.relative_to(root)
    name = root.name if found.path == root else below.as_posix()
    report = "" if found.report is None else found.report.relative_to(root).as_posix()
    if found.kind == "report":
        return Run(below.parent.as_posix(), found, report=report)
    standing = planned = None
    file = found.path
    if found.kind == "run":
        file = found.path / "result.json"
        standing = standing_of(found.path, found.modified)
        if standing.state != "finished":
            planned = reader.planned(found.path / "recipe.resolved.yaml")
    result = reader.scored(file) if file.is_file() else None
    return Run(
        name=name,
        found=found,
        standing=standing,
        planned=planned,
        result=result,
        waits=result is None and file.is_file(),
        report=report,
        pages=_pages(found, root, result),
        command=_command(Path(shown) / below, found),
    )


def _pages(found: Found, root: Path, result: Scored | Unreadable | None) -> dict[str, str]:
    if found.report is None or not isinstance(result, Scored):
        return {}
    home = found.report.parent
    named = page_files("checkpoint", result.rows)
    there = {name: home / file for name, file in named.items() if (home / file).is_file()}
    return {name: page.relative_to(root).as_posix() for name, page in there.items()}


def _command(path: Path, found: Found) -> str:
    out = path / "report" if found.kind == "run" else path.with_suffix("")
    return shlex.join(["nca", "report", str(path), "-o", str(out)])

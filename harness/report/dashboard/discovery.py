"""The discovery of runs, results and reports below a folder by their names and times only.

A run is a folder with a resolved recipe, a result, a report of its own, or a stage of `nca eval`.
The search does not enter runs or follow symbolic links to folders.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.report.dashboard.lenient_json import modified
from harness.storage.run_folder import RunFolder

#: Depth of folders that are searched.
DEPTH = 4
#: A mark in the head of every page that nca writes.
_OURS = b'<meta name="generator" content="nca">'
_HEAD = 4096
#: Folders that hold no runs, of this project and of other tools.
_OTHERS = {"cache", "figures", "mlruns", "mlartifacts", "node_modules", "__pycache__"}

Kind = Literal["run", "result", "report"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A run folder, a result file, or a report that stands alone.

    `path` is the folder, the file or the report's page; `modified` the time of its last change, in
    nanoseconds since 1970; `report` the page of its report, if it has one.
    """

    kind: Kind
    path: Path
    modified: int
    report: Path | None = None


def discover(root: Path) -> tuple[Entry, ...]:
    """Return the entries at or below a folder, newest first; skip what cannot be opened."""
    entries = _below(root, DEPTH)
    return tuple(sorted(entries, key=lambda entry: (-entry.modified, str(entry.path))))


def stages(run: Path) -> Iterator[Path]:
    """Return the folders of the stages that a run has begun, in the order of a run."""
    folder = RunFolder(run)
    several = (*_contents(run / "sample").values(), *_contents(run / "train").values())
    after = (folder.evaluation, folder.kl, folder.pairwise, folder.tracking)
    return (f for f in (folder.audit, *several, *after) if (f / "stage.lock").is_file())


def _below(folder: Path, depth: int) -> Iterator[Entry]:
    contents = _contents(folder)
    report = _report(folder / "report")
    evaluated = "eval" in contents and (folder / "eval" / "stage.lock").is_file()
    if evaluated or report or contents.keys() & {"recipe.resolved.yaml", "result.json"}:
        yield Entry("run", folder, _worked_on(folder), report)
        return
    page = _report(folder)
    if page and not folder.with_name(f"{folder.name}.json").is_file():  # else it is that result's
        yield Entry("report", page, modified(page), page)
    for name, path in contents.items():
        if path.suffix == ".json" and path.is_file():
            yield Entry("result", path, modified(path), _report(path.with_suffix("")))
        elif depth and name not in _OTHERS and path.is_dir() and not path.is_symlink():
            yield from _below(path, depth - 1)


def _contents(folder: Path) -> dict[str, Path]:
    """Return the visible paths in a folder by name, sorted."""
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return {}
    return {path.name: path for path in paths if not path.name.startswith(".")}


def _report(folder: Path) -> Path | None:
    """Return the page of the nca report in a folder, if there is one."""
    page = folder / "index.html"
    try:
        with page.open("rb") as file:
            return page if _OURS in file.read(_HEAD) else None
    except OSError:
        return None


def _worked_on(run: Path) -> int:
    """Return the time at which anything of a run but its report was last written.

    Stages replace files, which changes the time of their folder; their curves grow in place.
    """
    files = [run / "recipe.resolved.yaml", run / "result.json"]
    for stage in stages(run):
        files += [stage, stage / "steps.jsonl"]
    return max(map(modified, files)) or modified(run)

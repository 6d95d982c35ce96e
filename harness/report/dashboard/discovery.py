"""Which runs, results and reports lie below a folder: nothing of them is read but names and times.

A run is a folder with a resolved recipe, a result, a report of its own, or a stage of `nca eval`.
What is inside one is its own; symbolic links to folders are not followed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.report.dashboard.lenient_json import modified
from harness.storage.run_folder import RunFolder

#: How many folders deep a run may lie.
DEPTH = 4
#: What every page of ours says in its head.
_OURS = b'<meta name="generator" content="nca">'
_HEAD = 4096
#: Folders beside runs that hold other things, of this project and of others.
_OTHERS = {"cache", "figures", "mlruns", "mlartifacts", "node_modules", "__pycache__"}

Kind = Literal["run", "result", "report"]


@dataclass(frozen=True, slots=True)
class Found:
    """Something that lies below the folder.

    Attributes:
        kind: a run folder, a result file, or a report that stands alone.
        path: the folder, the file, or the report's page.
        modified: when it was last worked on, nanoseconds since 1970.
        report: the page of its report, where it has one.
    """

    kind: Kind
    path: Path
    modified: int
    report: Path | None = None


def find(root: Path) -> tuple[Found, ...]:
    """All that lies below a folder (or is it), newest first; what cannot be opened is left out."""
    found = _below(root, DEPTH)
    return tuple(sorted(found, key=lambda one: (-one.modified, str(one.path))))


def stages(run: Path) -> Iterator[Path]:
    """The folders of a run's stages that were begun, in the order of a run."""
    folder = RunFolder(run)
    yield from _begun([folder.audit])
    yield from _begun(_entries(run / "sample").values())
    yield from _begun(_entries(run / "train").values())
    yield from _begun([folder.evaluation, folder.kl, folder.pairwise, folder.tracking])


def _begun(folders: Iterable[Path]) -> Iterator[Path]:
    return (folder for folder in folders if (folder / "stage.lock").is_file())


def _below(folder: Path, depth: int) -> Iterator[Found]:
    entries = _entries(folder)
    report = _report(folder / "report")
    if _is_run(entries) or report:
        yield Found("run", folder, _worked_on(folder), report)
        return
    page = _report(folder)
    if page and not folder.with_name(f"{folder.name}.json").is_file():  # else it is that result's
        yield Found("report", page, modified(page), page)
    for name, path in entries.items():
        if path.suffix == ".json" and path.is_file():
            yield Found("result", path, modified(path), _report(path.with_suffix("")))
        elif depth and name not in _OTHERS and path.is_dir() and not path.is_symlink():
            yield from _below(path, depth - 1)


def _entries(folder: Path) -> dict[str, Path]:
    """What lies in a folder by name, sorted; hidden things are left out."""
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return {}
    return {path.name: path for path in paths if not path.name.startswith(".")}


def _is_run(entries: Mapping[str, Path]) -> bool:
    if "recipe.resolved.yaml" in entries or "result.json" in entries:
        return True
    return "eval" in entries and (entries["eval"] / "stage.lock").is_file()


def _report(folder: Path) -> Path | None:
    """The page of a report of ours in a folder; other people's pages are left alone."""
    page = folder / "index.html"
    try:
        with page.open("rb") as file:
            return page if _OURS in file.read(_HEAD) else None
    except OSError:
        return None


def _worked_on(run: Path) -> int:
    """When anything of a run was last written, but for its report.

    A folder is changed whenever a file in it is replaced, which is how stages write; their
    curves grow in place.
    """
    files = [run / "recipe.resolved.yaml", run / "result.json"]
    for stage in stages(run):
        files += [stage, stage / "steps.jsonl"]
    return max(map(modified, files)) or modified(run)

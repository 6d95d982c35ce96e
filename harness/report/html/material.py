"""The material of a report: the results, sample logs and training logs of its runs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import RunError
from harness.report.compare.together import merged
from harness.report.page.text import visible
from harness.storage.result import CheckpointResult, Result
from harness.storage.run_folder import RunFolder

Cell = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Source:
    """A RUN of the command line: its result, and its folder if it has one."""

    result: Result
    folder: RunFolder | None = None

    @property
    def recipe(self) -> str | None:
        """Return the resolved recipe, or None if there is none."""
        file = self.folder and self.folder.resolved
        return file.read_text(encoding="utf-8") if file and file.is_file() else None


@dataclass(frozen=True, slots=True)
class Material:
    """The data that a report shows.

    Attributes:
        sources: the runs.
        result: the merged result, which defines the names of checkpoints and suites.
        logs: (checkpoint, suite) -> sample log, if there is one.
        training: checkpoint -> folder of its training stage, if there is one.
    """

    sources: tuple[Source, ...]
    result: Result
    logs: Mapping[Cell, Path]
    training: Mapping[str, Path]

    @property
    def suites(self) -> tuple[str, ...]:
        """Return all suites in the order of the table."""
        return tuple(dict.fromkeys(s for c in self.result.checkpoints for s in c.suites))


def source(result: Result, folder: Path | None = None) -> Source:
    """Return the source of a run; `folder` may be a result file, which is ignored."""
    return Source(result, RunFolder(folder) if folder and folder.is_dir() else None)


def gather(sources: Sequence[Source]) -> Material:
    """Merge runs as `nca compare` does.

    Raises:
        RunError: there is no run, or nothing to show.
    """
    result = _named(merged([source.result for source in sources]))
    if not can_be_shown(result):
        names = ", ".join(source.result.recipe for source in sources)
        raise RunError(
            f"{names}: no checkpoint was evaluated on a suite or probed while training: "
            "there is nothing to show"
        )
    return Material(tuple(sources), result, _logs(sources, result), _training(sources, result))


def _named(result: Result) -> Result:
    """Return the result with invisible characters in names made visible."""
    named = (c.model_copy(update={"name": visible(c.name)}) for c in result.checkpoints)
    return result.model_copy(
        update={"checkpoints": tuple(named), "baseline": visible(result.baseline)}
    )


def can_be_shown(result: Result) -> bool:
    """Return True if there is a score or a series of likelihoods to show."""
    return any(c.suites or len(c.probe) > 1 for c in result.checkpoints)


def _rows(sources: Sequence[Source]) -> Iterator[tuple[RunFolder, CheckpointResult]]:
    """Yield the checkpoints of all runs that are folders."""
    for source in sources:
        if source.folder is not None:
            for checkpoint in source.result.checkpoints:
                yield source.folder, checkpoint


def _logs(sources: Sequence[Source], result: Result) -> dict[Cell, Path]:
    """Return the sample log of each cell.

    `merged` keeps the suite results of the runs, so their identity leads to the run.
    """
    files = {
        id(score): file
        for folder, checkpoint in _rows(sources)
        for suite, score in checkpoint.suites.items()
        if (file := folder.sample_log(checkpoint.name, suite)).is_file()
    }
    return {
        (checkpoint.name, suite): files[id(score)]
        for checkpoint in result.checkpoints
        for suite, score in checkpoint.suites.items()
        if id(score) in files
    }


def _training(sources: Sequence[Source], result: Result) -> dict[str, Path]:
    """Return the training folder of each checkpoint; equal weights share their training log."""
    folders: dict[str, Path] = {}
    for folder, checkpoint in _rows(sources):
        stage = folder.train(checkpoint.name)
        if (stage / "steps.jsonl").is_file():
            folders.setdefault(checkpoint.fingerprint, stage)
    stages = ((c.name, folders.get(c.fingerprint)) for c in result.checkpoints)
    return {name: stage for name, stage in stages if stage is not None}

"""What a report is made of: the result of its runs, and where texts and training logs lie."""

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
    """One RUN of the command line: its result, and its folder where it is one."""

    result: Result
    folder: RunFolder | None = None

    @property
    def recipe(self) -> str | None:
        """The recipe as it was understood, or None where there is none."""
        file = self.folder and self.folder.resolved
        return file.read_text(encoding="utf-8") if file and file.is_file() else None


@dataclass(frozen=True, slots=True)
class Material:
    """All that a report shows.

    Attributes:
        sources: the runs.
        result: of all of them together; checkpoints and suites are called as here.
        logs: (checkpoint, suite) -> its sample log, where there is one.
        training: checkpoint -> the folder of its training stage, where there is one.
    """

    sources: tuple[Source, ...]
    result: Result
    logs: Mapping[Cell, Path]
    training: Mapping[str, Path]

    @property
    def suites(self) -> tuple[str, ...]:
        """All suites, in the order of the table."""
        return tuple(dict.fromkeys(s for c in self.result.checkpoints for s in c.suites))


def source(result: Result, folder: Path | None = None) -> Source:
    """A run, from its result and (where that is one) its folder."""
    return Source(result, RunFolder(folder) if folder and folder.is_dir() else None)


def gathered(sources: Sequence[Source]) -> Material:
    """The material of runs, put together as `nca compare` does.

    Raises:
        RunError: none was given, or there is nothing to show.
    """
    result = _named(merged([one.result for one in sources]))
    if not can_be_shown(result):
        names = ", ".join(one.result.recipe for one in sources)
        raise RunError(
            f"{names}: no checkpoint was evaluated on a suite or probed while training: "
            "there is nothing to show"
        )
    return Material(tuple(sources), result, _logs(sources, result), _training(sources, result))


def _named(result: Result) -> Result:
    """The result with names in which nothing hides: they stand in pages, addresses and scripts."""
    named = (c.model_copy(update={"name": visible(c.name)}) for c in result.checkpoints)
    return result.model_copy(
        update={"checkpoints": tuple(named), "baseline": visible(result.baseline)}
    )


def can_be_shown(result: Result) -> bool:
    """Whether there is anything to report: a score, or how likelihoods moved in training."""
    return any(c.suites or len(c.probe) > 1 for c in result.checkpoints)


def _rows(sources: Sequence[Source]) -> Iterator[tuple[RunFolder, CheckpointResult]]:
    """The checkpoints of all runs that are folders."""
    for one in sources:
        if one.folder is not None:
            for checkpoint in one.result.checkpoints:
                yield one.folder, checkpoint


def _logs(sources: Sequence[Source], result: Result) -> dict[Cell, Path]:
    """The log of each cell: `merged` keeps suite results as they are, so each names its run."""
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
    """Equal weights were trained once: any run that has their training log will do."""
    folders: dict[str, Path] = {}
    for folder, checkpoint in _rows(sources):
        stage = folder.train(checkpoint.name)
        if (stage / "steps.jsonl").is_file():
            folders.setdefault(checkpoint.fingerprint, stage)
    known = ((c.name, folders.get(c.fingerprint)) for c in result.checkpoints)
    return {name: stage for name, stage in known if stage is not None}

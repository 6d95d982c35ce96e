"""The material of a report: the results, sample logs and training logs of its runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import RunError
from harness.report.compare.together import merged
from harness.report.page.text import visible
from harness.storage.result import Result
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

    `result` is merged and defines the names of checkpoints and suites. `logs` has the sample log of
    each (checkpoint, suite) and `training` the folder of each checkpoint's training stage, if there
    is one.
    """

    sources: tuple[Source, ...]
    result: Result
    logs: Mapping[Cell, Path]
    training: Mapping[str, Path]


def source(result: Result, folder: Path | None = None) -> Source:
    """Return the source of a run; `folder` may be a result file, which is ignored."""
    return Source(result, RunFolder(folder) if folder and folder.is_dir() else None)


def gather(sources: Sequence[Source]) -> Material:
    """Merge runs as `nca compare` does.

    Raises:
        RunError: there is no run, or nothing to show.
    """
    result = merged([source.result for source in sources])
    named = (c.model_copy(update={"name": visible(c.name)}) for c in result.checkpoints)
    names = {"checkpoints": tuple(named), "baseline": visible(result.baseline)}
    result = result.model_copy(update=names)
    if not can_be_shown(result):
        recipes = ", ".join(source.result.recipe for source in sources)
        raise RunError(
            f"{recipes}: no checkpoint was evaluated on a suite or probed while training: "
            "there is nothing to show"
        )
    files, stages = _places(sources)
    logs = {
        (checkpoint.name, suite): files[id(score)]
        for checkpoint in result.checkpoints
        for suite, score in checkpoint.suites.items()
        if id(score) in files
    }
    training = {
        c.name: stages[c.fingerprint] for c in result.checkpoints if c.fingerprint in stages
    }
    return Material(tuple(sources), result, logs, training)


def can_be_shown(result: Result) -> bool:
    """Return True if there is a score or a series of likelihoods to show."""
    return any(c.suites or len(c.probe) > 1 for c in result.checkpoints)


def _places(sources: Sequence[Source]) -> tuple[dict[int, Path], dict[str, Path]]:
    """Return identity of a suite result -> sample log, and fingerprint -> training folder.

    `merged` keeps the suite results of the runs, so their identity leads to the run. Equal weights
    share their training log.
    """
    files: dict[int, Path] = {}
    stages: dict[str, Path] = {}
    for source in sources:
        folder = source.folder
        if folder is None:
            continue
        for checkpoint in source.result.checkpoints:
            stage = folder.train(checkpoint.name)
            if (stage / "steps.jsonl").is_file():
                stages.setdefault(checkpoint.fingerprint, stage)
            for suite, score in checkpoint.suites.items():
                if (file := folder.sample_log(checkpoint.name, suite)).is_file():
                    files[id(score)] = file
    return files, stages

"""The suites of one command, each made and loaded once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from eval_suites.files import recorded_files
from eval_suites.suite import Suite
from harness.evaluate.suites.registry import find
from harness.storage.hashing import file_digest

T = TypeVar("T")


def load_with_digests(
    load: Callable[[Path | None], T], folder: Path | None
) -> tuple[T, dict[str, str]]:
    """Load something from the data folder; return it with the SHA-256 of each file that it read."""
    with recorded_files() as files:
        loaded = load(folder)
    return loaded, {name: file_digest(path) for name, path in sorted(files.items())}


@dataclass(slots=True)
class SuiteLibrary:
    """Suites by name with their samples, made and loaded when they are first asked for.

    Attributes:
        data_dir: folder of benchmark files.
        lm_eval_tasks: a folder of task files of lm-eval, besides its own.
    """

    data_dir: Path | None = None
    lm_eval_tasks: Path | None = None
    _suites: dict[str, Suite[Any]] = field(default_factory=dict, init=False, repr=False)
    _loaded: dict[str, tuple[Sequence[Any], dict[str, str]]] = field(
        default_factory=dict, init=False, repr=False
    )

    def suite(self, name: str) -> Suite[Any]:
        """Return the suite of this name.

        Raises:
            UserError, eval_suites.UnknownSuiteError, eval_suites.DataError: as `registry.find`.
        """
        if name not in self._suites:
            self._suites[name] = find(name, self.lm_eval_tasks)
        return self._suites[name]

    def samples(self, name: str) -> Sequence[Any]:
        """Return all samples of a suite, in the order of its files.

        Raises:
            UserError, eval_suites.UnknownSuiteError, eval_suites.DataError: no such suite, or no
                data for it.
        """
        return self._load(name)[0]

    def files(self, name: str) -> Mapping[str, str]:
        """Return the SHA-256 of each benchmark file that a suite reads, by its name in the folder.

        Raises:
            UserError, eval_suites.UnknownSuiteError, eval_suites.DataError: as `samples`.
        """
        return self._load(name)[1]

    def _load(self, name: str) -> tuple[Sequence[Any], dict[str, str]]:
        if name not in self._loaded:
            self._loaded[name] = load_with_digests(self.suite(name).load, self.data_dir)
        return self._loaded[name]

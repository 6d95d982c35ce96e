"""The suites of one command by the names that users type, each made and loaded once.

`kl:SUITE` and `head_to_head:SUITE` are measured on another suite's prompts, `lm_eval:NAME` is a
task of lm-evaluation-harness; the others are benchmarks.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from eval_suites import registry
from eval_suites.files import recorded_files
from eval_suites.suite import Suite
from harness.evaluate.suites.lm_eval.suite import PREFIX, suite_of
from harness.evaluate.suites.measured import MEASURED
from harness.storage.hashing import file_digest

T = TypeVar("T")


def find(name: str, lm_eval_tasks: Path | None = None) -> Suite[Any]:
    """Return the suite of this name; `lm_eval_tasks` holds task files besides lm-eval's own.

    Raises:
        UserError: lm-eval is not installed, or it has the task but we cannot run it.
        eval_suites.UnknownSuiteError, eval_suites.DataError: no such suite; a task of lm-eval that
            cannot be made.
    """
    if name.startswith(PREFIX):
        return suite_of(name.removeprefix(PREFIX), lm_eval_tasks)
    prefix, _, rest = name.partition(":")
    if prefix in MEASURED:
        return MEASURED[prefix](registry.find(rest or prefix))
    return registry.find(name)


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

    Every method may raise UserError, eval_suites.UnknownSuiteError or eval_suites.DataError: as
    `find`, or there is no data for a suite in `data_dir`, the folder of benchmark files.
    """

    data_dir: Path | None = None
    lm_eval_tasks: Path | None = None
    _suites: dict[str, Suite[Any]] = field(default_factory=dict, init=False, repr=False)
    _loaded: dict[str, tuple[Sequence[Any], dict[str, str]]] = field(
        default_factory=dict, init=False, repr=False
    )

    def suite(self, name: str) -> Suite[Any]:
        """Return the suite of this name."""
        if name not in self._suites:
            self._suites[name] = find(name, self.lm_eval_tasks)
        return self._suites[name]

    def samples(self, name: str) -> Sequence[Any]:
        """Return all samples of a suite, in the order of its files."""
        return self._load(name)[0]

    def files(self, name: str) -> Mapping[str, str]:
        """Return the SHA-256 of each benchmark file that a suite reads, by its name."""
        return self._load(name)[1]

    def _load(self, name: str) -> tuple[Sequence[Any], dict[str, str]]:
        if name not in self._loaded:
            self._loaded[name] = load_with_digests(self.suite(name).load, self.data_dir)
        return self._loaded[name]

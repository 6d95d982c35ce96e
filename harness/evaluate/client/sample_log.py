"""Sample logs: lines are put aside on disk as they come, then written sorted, with a summary.

Texts are never held in memory, only the place, the value and the metrics of each line.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from eval_suites.grading.suite_rules import metrics_of
from eval_suites.scores import Score
from eval_suites.suite import Suite
from harness.storage.atomic_files import replacing, write_json
from harness.storage.hashing import canonical
from harness.storage.result import plain_bounds
from harness.storage.run_folder import RunFolder


@dataclass(frozen=True, slots=True)
class _Line:
    """A line that was put aside: its place in the file, and the numbers for the summary."""

    sample_id: str
    repeat: int
    start: int
    size: int
    tokens: int
    score: Score


@dataclass(slots=True)
class Spool:
    """Lines of all sample logs of an engine, in one nameless file; use as a context manager."""

    folder: Path
    _lines: dict[tuple[str, str], list[_Line]] = field(default_factory=dict)
    _file: Any = None

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._file = tempfile.TemporaryFile(dir=self.folder)
        return self

    def __exit__(self, *_error: object) -> None:
        with suppress(OSError):  # a full disk: it was said when a line was put aside
            self._file.close()

    def add(self, model: str, suite: str, line: Mapping[str, Any]) -> None:
        """Put a line of one checkpoint on one suite aside."""
        data = canonical(line).encode() + b"\n"
        start = self._file.tell()
        with self._named():
            self._file.write(data)
        tokens = sum(answer["tokens"] for turn in line["turns"] for answer in turn["answers"])
        score = Score(line["value"], line["status"], metrics=line["metrics"])
        entry = _Line(line["sample_id"], line["repeat"], start, len(data), tokens, score)
        self._lines.setdefault((model, suite), []).append(entry)

    def write(
        self, folder: RunFolder, model: str, suite: Suite[Any], protocol: Mapping[str, str]
    ) -> None:
        """Write the sample log, sorted by sample and repeat, and its summary beside it."""
        lines = self._lines.pop((model, suite.name), [])
        lines.sort(key=lambda line: (line.sample_id, line.repeat))
        with self._named(), replacing(folder.sample_log(model, suite.name)) as file:
            for line in lines:
                self._file.seek(line.start)
                file.write(self._file.read(line.size).decode())
        self._file.seek(0, 2)
        summary = {
            "suite": suite.name,
            "headline": suite.headline,
            "bounds": plain_bounds(suite.metrics.bounds),
            "metrics": metrics_of(suite, ((line.sample_id, line.score) for line in lines)),
            "statuses": dict(sorted(Counter(line.score.status for line in lines).items())),
            "protocol": dict(sorted(protocol.items())),
            "tokens": sum(line.tokens for line in lines),
        }
        write_json(folder.summary(model, suite.name), summary)

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Name the folder in errors of the nameless file, such as a full disk."""
        try:
            yield
        except OSError as error:
            error.filename = error.filename or str(self.folder)
            raise

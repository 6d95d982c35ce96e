"""Sample logs: lines as they come are put aside on disk, then written sorted, with a summary.

Texts are never held in memory: of each line only its place, its value and its metrics are.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from eval_suites.grading.suite_rules import metrics_of
from eval_suites.requests import Answer, Request
from eval_suites.scores import Score
from eval_suites.suite import Suite
from harness.evaluate.client.answers import plain
from harness.storage.atomic_files import replacing, write_json
from harness.storage.hashing import canonical, digest
from harness.storage.result import plain_bounds
from harness.storage.run_folder import RunFolder


@dataclass(frozen=True, slots=True)
class _Kept:
    """A line that was put aside: where it is, and what metrics are made of."""

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
    kept: dict[tuple[str, str], list[_Kept]] = field(default_factory=dict)
    _file: Any = None

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._file = tempfile.TemporaryFile(dir=self.folder)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError):  # a full disk: it was said when a line was put aside
            self._file.close()

    def add(self, model: str, suite: str, line: Mapping[str, Any]) -> None:
        """Put a line of one checkpoint on one suite aside."""
        data = canonical(line).encode() + b"\n"
        start = self._file.tell()
        with self._named():
            self._file.write(data)
        answers = (answer for turn in line["turns"] for answer in turn["answers"])
        score = Score(line["value"], line["status"], metrics=line["metrics"])
        kept = _Kept(
            line["sample_id"],
            line["repeat"],
            start,
            len(data),
            sum(answer["tokens"] for answer in answers),
            score,
        )
        self.kept.setdefault((model, suite), []).append(kept)

    def write(
        self, folder: RunFolder, model: str, suite: Suite[Any], protocol: Mapping[str, str]
    ) -> None:
        """Write the sample log, sorted by sample and repeat, and its summary beside it."""
        kept = self.kept.pop((model, suite.name), [])
        kept.sort(key=lambda one: (one.sample_id, one.repeat))
        with self._named(), replacing(folder.sample_log(model, suite.name)) as file:
            for one in kept:
                self._file.seek(one.start)
                file.write(self._file.read(one.size).decode())
        self._file.seek(0, 2)
        write_json(folder.summary(model, suite.name), _summary(suite, kept, protocol))

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Within, an error of a file without a name, such as a full disk, names the folder."""
        try:
            yield
        except OSError as error:
            error.filename = error.filename or str(self.folder)
            raise


def _summary(
    suite: Suite[Any], kept: Sequence[_Kept], protocol: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "suite": suite.name,
        "headline": suite.headline,
        "bounds": plain_bounds(suite.metrics.bounds),
        "metrics": metrics_of(suite, ((one.sample_id, one.score) for one in kept)),
        "statuses": dict(sorted(Counter(one.score.status for one in kept).items())),
        "protocol": dict(sorted(protocol.items())),
        "tokens": sum(one.tokens for one in kept),
    }


def log_line(
    sample_id: str,
    repeat: int,
    turns: Sequence[Mapping[str, Any]],
    score: Score,
    verdicts: Sequence[Answer] = (),
) -> dict[str, Any]:
    """One line of a sample log (docs/reference/logs.md); `turns` are of `turn`."""
    first = turns[0]["requests"] if turns else []
    return {
        "sample_id": sample_id,
        "repeat": repeat,
        "prompt_hash": digest(first, 16),
        "turns": list(turns),
        "extracted": score.extracted,
        "value": score.value,
        "metrics": dict(score.metrics),
        "status": score.status,
        "reason": score.reason,
        "verdicts": _plain(verdicts),
    }


def turn(requests: Sequence[Request], answers: Sequence[Answer]) -> dict[str, Any]:
    """One turn of a line: what was asked, and what was answered."""
    return {"requests": [_shown(request) for request in requests], "answers": _plain(answers)}


def _shown(request: Request) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if request.messages:
        shown["messages"] = [asdict(message) for message in request.messages]
    if request.text is not None:
        shown["text"] = request.text
    for key in ("prefix", "continuation"):
        if text := getattr(request, key):
            shown[key] = text
    return shown


def _plain(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    return [plain(answer) for answer in answers]

"""Answers as plain values: the bodies of journal entries, and the lines of sample logs.

Lines are put aside on disk as they come, then written sorted, with a summary. Texts are never held
in memory, only the place, the value and the metrics of each line.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from eval_suites.grading.suite_rules import metrics_of
from eval_suites.requests import Answer, Likelihood, Request
from eval_suites.scores import Score
from eval_suites.suite import Suite
from harness.engines.base import Completion
from harness.storage.atomic_files import replacing, write_json
from harness.storage.hashing import canonical, digest
from harness.storage.result import plain_bounds
from harness.storage.run_folder import RunFolder

#: Keys of a journal entry that no suite sees.
_JOURNAL_ONLY = ("token_ids", "served")
Line = dict[str, Any]


def plain(answer: Answer) -> dict[str, Any]:
    """Return an answer as plain values; what few answers have is there only where it has it."""
    few = ("logprobs", "likelihood", "program")
    return {key: value for key, value in asdict(answer).items() if value or key not in few}


def answer_of(fields: Mapping[str, Any]) -> Answer:
    """Return the answer that `plain` or a journal entry describes, also after a trip through JSON.

    Raises:
        TypeError, ValueError, KeyError: the fields describe no answer.
    """
    logprobs = tuple(
        tuple((str(token), float(logprob)) for token, logprob in place)
        for place in fields.get("logprobs", ())
    )
    scored = fields.get("likelihood")
    likelihood = None if scored is None else Likelihood(scored["logprob"], scored["greedy"])
    others = {key: value for key, value in fields.items() if key not in _JOURNAL_ONLY}
    return Answer(**{**others, "logprobs": logprobs, "likelihood": likelihood})


def bodies_of(completion: Completion) -> list[dict[str, Any]]:
    """Return the journal entry of each text; a sum of tokens is shared out where it is all."""
    each, rest = divmod(completion.usage.completion_tokens, len(completion.texts))
    ids = completion.token_ids or ((),) * len(completion.texts)
    return [
        {
            "text": text,
            "finish_reason": completion.finish_reasons[k],
            "token_ids": list(ids[k]),
            "tokens": len(ids[k]) or each + (k < rest),
            **({"logprobs": completion.logprobs[k]} if completion.logprobs else {}),
            **({"served": completion.served} if completion.served else {}),
        }
        for k, text in enumerate(completion.texts)
    ]


def scored_body(scored: Likelihood | None) -> dict[str, Any]:
    """Return the journal entry of a scored continuation, as of an answer without text."""
    body = {"text": "", "finish_reason": "stop", "token_ids": [], "tokens": 0}
    if scored is None:
        return {**body, "finish_reason": "overflow"}
    return {**body, "likelihood": asdict(scored)}


def log_line(
    sample_id: str,
    repeat: int,
    turns: Sequence[Mapping[str, Any]],
    score: Score,
    verdicts: Sequence[Answer] = (),
) -> Line:
    """Return one line of a sample log (docs/reference/logs.md); `turns` are of `turn`."""
    return {
        **asdict(score),
        "sample_id": sample_id,
        "repeat": repeat,
        "prompt_hash": digest(turns[0]["requests"] if turns else [], 16),
        "turns": list(turns),
        "verdicts": list(map(plain, verdicts)),
    }


def turn(requests: Sequence[Request], answers: Sequence[Answer]) -> dict[str, Any]:
    """Return one turn of a line: the requests and their answers."""
    return {"requests": list(map(_shown, requests)), "answers": list(map(plain, answers))}


def _shown(request: Request) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "messages": list(map(asdict, request.messages)),
        "prefix": request.prefix,
        "continuation": request.continuation,
    }
    text = {} if request.text is None else {"text": request.text}
    return text | {key: value for key, value in shown.items() if value}


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

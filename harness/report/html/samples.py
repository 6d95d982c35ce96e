"""A suite's samples for its page: a small table to filter by, and texts in packed pieces.

Logs are read side by side, a sample at a time, so texts of one piece alone are in memory.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import groupby
from math import isfinite
from operator import itemgetter
from pathlib import Path
from typing import IO, Any

from harness.report.html.natural import natural
from harness.report.html.turns import Line, answers, asked, hint
from harness.report.page.text import packed
from harness.stats.series import values
from harness.storage.result import SampleResult, SuiteResult

#: Samples whose texts are packed together.
PIECE = 100
_HINT = 140
Repeats = tuple[SampleResult, ...]


@dataclass(slots=True)
class Samples:
    """What a suite's page holds.

    Attributes:
        table: values and statuses of every sample, plain data.
        pieces: texts, `PIECE` samples each, packed.
        without: checkpoints whose texts are not there, or not of this result.
    """

    table: dict[str, Any]
    pieces: list[str] = field(default_factory=list)
    without: tuple[str, ...] = ()


def samples(scores: Mapping[str, SuiteResult], logs: Mapping[str, Path]) -> Samples:
    """Read a suite's samples of several checkpoints.

    Args:
        scores: checkpoint -> its result on the suite, in the order of the table.
        logs: checkpoint -> its sample log, for those that have one.
    """
    own = {name: _by_id(score) for name, score in scores.items()}
    ids = sorted({sample for found in own.values() for sample in found})
    hints: list[str] = []
    lacking: set[str] = set()
    pieces, piece = [], []
    with ExitStack() as stack:
        read = {name: _Reader(stack.enter_context(_opened(file))) for name, file in logs.items()}
        for sample in ids:
            lines = {name: reader.lines(sample) for name, reader in read.items()}
            entry, told, bare = _entry({n: f.get(sample, ()) for n, f in own.items()}, lines)
            piece.append(entry)
            hints.append(told)
            lacking |= bare
            if len(piece) == PIECE:
                pieces.append(packed(piece))
                piece = []
    if piece:
        pieces.append(packed(piece))
    without = tuple(name for name in scores if name in lacking)
    return Samples({**_table(ids, own, scores), "hints": short(hints)}, pieces, without)


def _opened(file: Path) -> IO[str]:
    # A text may hold other line ends, and "\r" too.
    return file.open(encoding="utf-8", newline="\n", errors="replace")


class _Reader:
    """A log that is read once, in the order of its samples."""

    def __init__(self, file: IO[str]) -> None:
        self._groups = groupby(_parsed(file), key=itemgetter("sample_id"))
        self._next = next(self._groups, None)

    def lines(self, sample: str) -> dict[int, Line]:
        """Repeat -> line of a sample; samples must be asked for in their order."""
        while self._next is not None and self._next[0] < sample:
            self._next = next(self._groups, None)
        if self._next is None or self._next[0] != sample:
            return {}
        found = {line["repeat"]: line for line in self._next[1]}
        self._next = next(self._groups, None)
        return found


def _parsed(file: IO[str]) -> Iterator[Line]:
    for text in file:
        with suppress(json.JSONDecodeError):  # a torn last line
            yield json.loads(text)


def _by_id(score: SuiteResult) -> dict[str, Repeats]:
    found: dict[str, Repeats] = {}
    for sample in sorted(score.samples, key=lambda one: one.repeat):
        found[sample.id] = (*found.get(sample.id, ()), sample)
    return found


def _table(
    ids: Sequence[str],
    own: Mapping[str, Mapping[str, Repeats]],
    scores: Mapping[str, SuiteResult],
) -> dict[str, Any]:
    """Columns of plain values: a checkpoint that has no such sample has no status there."""
    kinds: dict[str, int] = {}
    columns: list[list[int | None]] = []
    for found in own.values():
        said = (", ".join(sorted({s.status for s in found.get(sample, ())})) for sample in ids)
        columns.append([kinds.setdefault(text, len(kinds)) if text else None for text in said])
    rank = {sample: number for number, sample in enumerate(sorted(ids, key=natural))}
    return {
        "ids": list(ids),
        "ranks": [rank[sample] for sample in ids],
        "checkpoints": list(own),
        "values": [[found.get(sample) for sample in ids] for found in map(values, scores.values())],
        "statuses": columns,
        "kinds": list(kinds),
    }


def _entry(
    own: Mapping[str, Repeats], lines: Mapping[str, Mapping[int, Line]]
) -> tuple[dict[str, Any], str, set[str]]:
    """A sample's texts of all checkpoints, its hint, and the checkpoints without texts."""
    agreed = {
        (name, one.repeat): line
        for name, repeats in own.items()
        for one in repeats
        if (line := lines.get(name, {}).get(one.repeat)) and _same(one, line)
    }
    first = next(iter(agreed.values()), None)
    prompt = asked(first)[:1] if first else []
    said = [
        [_repeat(one, agreed.get((name, one.repeat)), prompt) for one in repeats]
        for name, repeats in own.items()
    ]
    bare = {n for n, repeats in own.items() for one in repeats if (n, one.repeat) not in agreed}
    return {"prompt": prompt, "answers": said}, hint(first) if first else "", bare


def _same(one: SampleResult, line: Line) -> bool:
    """Whether a log's line is what the result was made of."""
    return bool(one.status == line["status"] and one.value == line["value"])


def _repeat(one: SampleResult, line: Line | None, prompt: Sequence[Any]) -> dict[str, Any]:
    metrics = {name: value for name, value in one.metrics.items() if isfinite(value)}
    known = {"repeat": one.repeat, "value": one.value, "status": one.status, "metrics": metrics}
    if line is None:
        return known
    questions = asked(line)
    if questions[:1] == prompt:  # once is enough
        questions[:1] = [[]] * len(questions[:1])
    return known | {
        "reason": line.get("reason") or "",
        "extracted": line.get("extracted"),
        "asked": questions,
        "said": [answers(turn["answers"]) for turn in line["turns"]],
        "verdicts": answers(line.get("verdicts") or ()),
    }


def short(hints: Sequence[str]) -> list[str]:
    """Texts cut to a line, without the words that all of them begin with."""
    flat = [" ".join(text.split()) for text in hints]
    told = [text for text in flat if text]
    shared = _shared(min(told), max(told)).rpartition(" ")[0] if len(told) > 1 else ""
    return [text.removeprefix(shared).strip()[:_HINT] for text in flat]


def _shared(first: str, last: str) -> str:
    """What two texts, and all that are sorted between them, begin with."""
    pairs = enumerate(zip(first, last, strict=False))
    return first[: next((i for i, (a, b) in pairs if a != b), min(len(first), len(last)))]

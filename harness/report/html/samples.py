"""The samples of a suite for its page: a small table of values, and texts in packed pieces.

The logs are read in parallel, one sample at a time, so only the texts of one piece are in memory.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import groupby, takewhile
from math import isfinite
from operator import itemgetter
from pathlib import Path
from typing import IO, Any

from harness.report.page.text import packed
from harness.stats.series import values
from harness.storage.result import SampleResult, SuiteResult

#: Samples whose texts are packed together.
PIECE = 100
_HINT = 140
_DIGITS = re.compile(r"(\d+)")
#: Fields of an answer or a verdict that are shown: not the log-probabilities of tokens.
_ANSWER = ("text", "finish_reason", "tokens", "likelihood")
_REQUEST = {"text": "text", "prefix": "the answer begins", "continuation": "scored continuation"}
Line = Mapping[str, Any]
Parts = list[dict[str, str]]
_Repeats = tuple[SampleResult, ...]


@dataclass(slots=True)
class Samples:
    """The samples on the page of a suite.

    `table` has the values and statuses of every sample, `pieces` the packed texts of `PIECE`
    samples each, and `without` the checkpoints whose texts are missing or do not match the result.
    """

    table: dict[str, Any]
    pieces: list[str] = field(default_factory=list)
    without: tuple[str, ...] = ()


def samples(scores: Mapping[str, SuiteResult], logs: Mapping[str, Path]) -> Samples:
    """Read the samples of a suite by checkpoint, in the order of the table.

    `logs` has the sample logs, for checkpoints that have one.
    """
    own = {name: _by_id(score) for name, score in scores.items()}
    ids = sorted({sample for repeats in own.values() for sample in repeats})
    hints: list[str] = []
    lacking: set[str] = set()
    pieces, piece = [], []
    with ExitStack() as stack:
        # A text may hold other line ends, and "\r" too.
        how: dict[str, Any] = {"encoding": "utf-8", "newline": "\n", "errors": "replace"}
        files = {name: stack.enter_context(log.open(**how)) for name, log in logs.items()}
        read = {name: _Reader(file) for name, file in files.items()}
        for sample in ids:
            lines = {name: reader.lines(sample) for name, reader in read.items()}
            entry, summary, bare = _entry({n: f.get(sample, ()) for n, f in own.items()}, lines)
            piece.append(entry)
            hints.append(summary)
            lacking |= bare
            if len(piece) == PIECE:
                pieces.append(packed(piece))
                piece = []
    if piece:
        pieces.append(packed(piece))
    without = tuple(name for name in scores if name in lacking)
    return Samples({**_table(ids, own, scores), "hints": short(hints)}, pieces, without)


class _Reader:
    """A sample log that is read once, in the order of its samples."""

    def __init__(self, file: IO[str]) -> None:
        self._groups = groupby(_parsed(file), key=itemgetter("sample_id"))
        self._next = next(self._groups, None)

    def lines(self, sample: str) -> dict[int, Line]:
        """Return the lines of a sample by repeat; call it in the order of the samples."""
        while self._next is not None and self._next[0] < sample:
            self._next = next(self._groups, None)
        if self._next is None or self._next[0] != sample:
            return {}
        lines = {line["repeat"]: line for line in self._next[1]}
        self._next = next(self._groups, None)
        return lines


def _parsed(file: IO[str]) -> Iterator[Line]:
    for text in file:
        with suppress(json.JSONDecodeError):  # a torn last line
            yield json.loads(text)


def _by_id(score: SuiteResult) -> dict[str, _Repeats]:
    repeats: dict[str, _Repeats] = {}
    for sample in sorted(score.samples, key=lambda sample: sample.repeat):
        repeats[sample.id] = (*repeats.get(sample.id, ()), sample)
    return repeats


def _table(
    ids: Sequence[str], own: Mapping[str, Mapping[str, _Repeats]], scores: Mapping[str, SuiteResult]
) -> dict[str, Any]:
    """Return the table as columns; the status is None where a checkpoint lacks the sample."""
    kinds: dict[str, int] = {}
    columns: list[list[int | None]] = []
    for repeats in own.values():
        statuses = (
            ", ".join(sorted({s.status for s in repeats.get(sample, ())})) for sample in ids
        )
        columns.append([kinds.setdefault(text, len(kinds)) if text else None for text in statuses])
    rank = {sample: number for number, sample in enumerate(sorted(ids, key=natural_key))}
    return {
        "ids": list(ids),
        "ranks": [rank[sample] for sample in ids],
        "checkpoints": list(own),
        "values": [
            [by_sample.get(sample) for sample in ids] for by_sample in map(values, scores.values())
        ],
        "statuses": columns,
        "kinds": list(kinds),
    }


def _entry(
    own: Mapping[str, _Repeats], lines: Mapping[str, Mapping[int, Line]]
) -> tuple[dict[str, Any], str, set[str]]:
    """Return the texts of a sample, its hint, and the checkpoints without texts."""
    agreed: dict[tuple[str, int], Line] = {}
    bare = set()
    for name, repeats in own.items():
        for sample in repeats:
            line = lines.get(name, {}).get(sample.repeat)
            if line and (sample.status, sample.value) == (line["status"], line["value"]):
                agreed[name, sample.repeat] = line
            else:
                bare.add(name)
    first = next(iter(agreed.values()), None)
    prompt = turn_questions(first)[:1] if first else []
    texts = [
        [_repeat(sample, agreed.get((name, sample.repeat)), prompt) for sample in repeats]
        for name, repeats in own.items()
    ]
    return {"prompt": prompt, "answers": texts}, hint(first) if first else "", bare


def _repeat(sample: SampleResult, line: Line | None, prompt: Sequence[Any]) -> dict[str, Any]:
    metrics = {name: value for name, value in sample.metrics.items() if isfinite(value)}
    entry = sample.model_dump(include={"repeat", "value", "status"}) | {"metrics": metrics}
    if line is None:
        return entry
    questions = turn_questions(line)
    if questions[:1] == prompt:  # once is enough
        questions[:1] = [[]] * len(questions[:1])
    return entry | {
        "reason": line.get("reason") or "",
        "extracted": line.get("extracted"),
        "asked": questions,
        "said": [_answers(turn["answers"]) for turn in line["turns"]],
        "verdicts": _answers(line.get("verdicts") or ()),
    }


def _answers(given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{key: answer[key] for key in _ANSWER if key in answer} for answer in given]


def turn_questions(line: Line) -> list[list[Parts]]:
    """Return the requests of each turn as parts with a role and a text.

    Later turns omit the conversation up to and including the answer that they continue.
    """
    return [
        [_parts(request, _before(line, number)) for request in turn["requests"]]
        for number, turn in enumerate(line["turns"])
    ]


def _before(line: Line, turn: int) -> Sequence[Any]:
    """Return the messages of the previous turn and their answer, if there was one of each."""
    if not turn:
        return ()
    last = line["turns"][turn - 1]
    if len(last["requests"]) != 1 or len(last["answers"]) != 1:
        return ()
    answer = {"role": "assistant", "content": last["answers"][0].get("text")}
    return (*last["requests"][0].get("messages", ()), answer)


def _parts(request: Mapping[str, Any], before: Sequence[Any]) -> Parts:
    messages = request.get("messages") or ()
    if before and list(messages[: len(before)]) == list(before):
        messages = messages[len(before) :]
    contents = [(str(message.get("role")), message.get("content")) for message in messages]
    contents += [(title, request.get(key)) for key, title in _REQUEST.items()]
    return [{"role": role, "text": str(content)} for role, content in contents if content]


def hint(line: Line) -> str:
    """Return the text that identifies a sample: the last question of its first turn."""
    requests = line["turns"][0]["requests"] if line["turns"] else ()
    parts = _parts(requests[0], ()) if requests else []
    texts = [part["text"] for part in parts if part["role"] in ("user", "text")]
    return texts[-1] if texts else ""


def short(hints: Sequence[str]) -> list[str]:
    """Shorten texts to a line and drop the words with which all of them begin."""
    flat = [" ".join(text.split()) for text in hints]
    nonempty = [text for text in flat if text]
    shared = ""
    if len(nonempty) > 1:  # the prefix of the first and the last, sorted, is that of all
        pairs = zip(min(nonempty), max(nonempty), strict=False)
        shared = "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    shared = shared.rpartition(" ")[0]
    return [text.removeprefix(shared).strip()[:_HINT] for text in flat]


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Return a sort key that puts sample 9 before sample 10, and digits before other text."""
    parts = (part for part in _DIGITS.split(name) if part)
    return [(0, int(p), p) if p.isdecimal() and p.isascii() else (1, 0, p) for p in parts]

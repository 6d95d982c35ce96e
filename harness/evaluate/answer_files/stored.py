"""Answers that a file holds already: our own lines, our sample logs, samples of official tools."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eval_suites.requests import Answer
from eval_suites.scores import HARNESS_STATUSES, Score
from harness.errors import RunError
from harness.evaluate.answer_files.rows import numbered, text_of
from harness.evaluate.client.answers import answer_of

KINDS = (
    '{"sample_id": "...", "completions": [a text a turn]}, a line of a sample log, '
    "or task_id with completion or solution"
)


@dataclass(frozen=True, slots=True)
class Stored:
    """One sample's stored answers.

    Attributes:
        sample_id: the suite's.
        repeat: counts the lines of one sample, from 0.
        answers: the texts of all turns.
        where: file and line.
        lost: what a sample log says of a sample that we, not the model, failed; it counts where
            the answers are not complete.
        verdicts: the judge's replies that a sample log keeps.
    """

    sample_id: str
    repeat: int
    answers: tuple[Answer, ...]
    where: str = ""
    lost: Score | None = None
    verdicts: tuple[Answer, ...] = ()


def named_files(given: Sequence[str]) -> dict[str, Path]:
    """Return model name -> file, from `NAME=FILE` or a file whose stem is the name.

    Raises:
        RunError: two models would have one name.
    """
    files: dict[str, Path] = {}
    for text in given:
        name, _, rest = ("", "", text) if Path(text).exists() else text.rpartition("=")
        file = Path(rest)
        name = name or Path(file.name.removesuffix(".gz")).stem
        if name in files:
            raise RunError(f"{files[name]} and {file} are both called {name!r}: write NAME=FILE")
        files[name] = file
    return files


def read_stored(file: Path) -> tuple[Stored, ...]:
    """Return the answers of a file of JSON lines, gzipped or not; a line is one repeat.

    A line has `sample_id` with `completions` (the texts of its turns) or `turns` (our sample
    log), or `task_id` with `solution` (a whole program) or `completion` (what goes on behind the
    prompt).

    Raises:
        RunError: the file cannot be read, has no line, or a line is of no such kind.
    """
    seen: Counter[str] = Counter()
    answers: list[Stored] = []
    for where, line in numbered(file, text_of(file)):
        answer = _stored(line, where)
        answers.append(replace(answer, repeat=seen[answer.sample_id]))
        seen[answer.sample_id] += 1
    if not answers:
        raise RunError(f"{file}: no line in it; each must be {KINDS}")
    return tuple(answers)


def _stored(line: str, where: str) -> Stored:
    try:
        row = json.loads(line)
        name = whole_text(row["sample_id"] if "sample_id" in row else row["task_id"])
        verdicts = tuple(map(_answer, row.get("verdicts", ())))
        return Stored(name, 0, tuple(_answers(row)), where, _lost(row), verdicts)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise RunError(f"{where}: not {KINDS} ({type(error).__name__}: {error})") from error


def _answers(row: Mapping[str, Any]) -> Iterator[Answer]:
    if "turns" in row:
        yield from (_answer(answer) for turn in row["turns"] for answer in turn["answers"])
    elif "completions" in row:
        if not isinstance(row["completions"], list):
            raise TypeError("completions must be a list of texts")
        yield from (Answer(whole_text(text)) for text in row["completions"])
    elif "solution" in row:
        yield Answer(whole_text(row["solution"]), program=True)
    else:
        yield Answer(whole_text(row["completion"]))


def _answer(fields: Mapping[str, Any]) -> Answer:
    return answer_of({**fields, "text": whole_text(fields["text"])})


def whole_text(value: object) -> str:
    """Return a text as it can be written again: half a pair of surrogates becomes U+FFFD."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _lost(row: Mapping[str, Any]) -> Score | None:
    status = row.get("status")
    if "turns" not in row or status not in HARNESS_STATUSES:
        return None
    return Score(None, status, reason=str(row.get("reason", "")))

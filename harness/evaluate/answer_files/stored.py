"""Answers that a file holds already: our own lines, our sample logs, samples of official tools.

A file has JSON lines or one JSON array, gzipped or not.
"""

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eval_suites.requests import Answer
from eval_suites.scores import HARNESS_STATUSES, Score
from harness.errors import RunError
from harness.evaluate.client.answers import answer_of

KINDS = (
    '{"sample_id": "...", "completions": [a text a turn]}, a line of a sample log, '
    "or task_id with completion or solution"
)
#: Where a row of a file stands, and the row.
Placed = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Stored:
    """One sample's stored answers, the texts of all turns.

    Attributes:
        repeat: counts the lines of one sample, from 0.
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


def stem(file: Path) -> str:
    """Return the name of the model whose answers a file holds, where none is given."""
    return Path(file.name.removesuffix(".gz")).stem


def named_files(given: Sequence[str]) -> dict[str, Path]:
    """Return model name -> file, from `NAME=FILE` or a file whose stem is the name.

    Raises:
        RunError: two models would have one name.
    """
    files: dict[str, Path] = {}
    for text in given:
        name, _, rest = ("", "", text) if Path(text).exists() else text.rpartition("=")
        file = Path(rest)
        name = name or stem(file)
        if name in files:
            raise RunError(f"{files[name]} and {file} are both called {name!r}: write NAME=FILE")
        files[name] = file
    return files


@contextmanager
def expecting(where: str, kind: str) -> Iterator[None]:
    """Turn the errors of reading a row that is not of a kind into one that names its place.

    Raises:
        RunError: the block raised one of them; `kind` begins with "no" or "not".
    """
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, RecursionError) as error:
        raise RunError(f"{where}: {kind} ({type(error).__name__}: {error})") from error


def rows_of(file: Path) -> list[Placed]:
    """Return the objects of a JSON array, or of JSON lines, with where each stands.

    Raises:
        RunError: the file cannot be read, is no such file, or holds nothing.
    """
    text = _text_of(file)
    if text.lstrip().startswith("["):
        entries = _parsed(text, str(file))
        placed = [(f"{file}, entry {number}", row) for number, row in enumerate(entries)]
    else:
        placed = [(where, _parsed(line, where)) for where, line in _numbered(file, text)]
    if not placed:
        raise RunError(f"{file}: nothing is in it: name a file of answers or judgements")
    for where, row in placed:
        if not isinstance(row, dict):
            raise RunError(f"{where}: no JSON object, where one of a file of judgements is wanted")
    return placed


def read_stored(file: Path) -> tuple[Stored, ...]:
    """Return the answers of a file of JSON lines, gzipped or not; a line is one repeat.

    A line has `sample_id` with `completions` (the texts of its turns) or `turns` (our sample
    log), or `task_id` with `solution` (a whole program) or `completion` (what goes on behind the
    prompt).

    Raises:
        RunError: the file cannot be read, has no line, or a line is of no such kind.
    """
    answers = numbered_repeats(
        _stored(where, line) for where, line in _numbered(file, _text_of(file))
    )
    if not answers:
        raise RunError(f"{file}: no line in it; each must be {KINDS}")
    return answers


def numbered_repeats(answers: Iterable[Stored]) -> tuple[Stored, ...]:
    """Return one model's answers, those of one sample numbered as its repeats."""
    seen: Counter[str] = Counter()
    numbered = []
    for answer in answers:
        numbered.append(replace(answer, repeat=seen[answer.sample_id]))
        seen[answer.sample_id] += 1
    return tuple(numbered)


def whole_text(value: object) -> str:
    """Return a text as it can be written again: half a pair of surrogates becomes U+FFFD.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _text_of(file: Path) -> str:
    try:
        data = file.read_bytes()
        return (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise RunError(
            f"{file}: cannot be read ({error}): name a file of JSON lines in UTF-8, gzipped or not"
        ) from error


def _numbered(file: Path, text: str) -> Iterator[tuple[str, str]]:
    """Yield each line of a file's text with its place; blank ones are left out."""
    # Texts may hold other line ends, which JSON does not escape.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield f"{file}, line {number}", line


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RunError(
            f"{where}: no JSON ({error}): name a file of JSON, or of JSON lines"
        ) from error


def _stored(where: str, line: str) -> Stored:
    with expecting(where, f"not {KINDS}"):
        row = json.loads(line)
        name = row["sample_id"] if "sample_id" in row else row["task_id"]
        name = str(name) if type(name) is int else whole_text(name)  # a row's number
        verdicts = tuple(map(_answer, row.get("verdicts", ())))
        lost = None
        if "turns" in row and row.get("status") in HARNESS_STATUSES:
            lost = Score(None, row["status"], reason=str(row.get("reason", "")))
        return Stored(name, 0, tuple(_answers(row)), where, lost, verdicts)


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

"""The records of a suite's cases, and the list of all of them."""

import gzip
import importlib
import json
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from eval_suites.requests import Answer, Request
from eval_suites.suite import Answers, Outcomes

#: A completion: text, finish reason, extracted, a value for each metric of its table, status.
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Completions:
    """Completions for one sample, each with the score that it must get.

    Attributes:
        sample: the sample.
        metrics: names of the rows' values; the first is the headline.
        rows: the completions.
        subsets: names of metrics that must have the headline's value.
        suites: the suites that score them so; () for all of the cases.
    """

    sample: Any
    metrics: tuple[str, ...]
    rows: Sequence[Row]
    subsets: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()


class Scored(NamedTuple):
    """One repeat of a sample to be scored."""

    id: str
    sample: Any
    answers: Answers
    outcomes: Outcomes = ()
    verdicts: Answers = ()


@dataclass(frozen=True, slots=True)
class Aggregation:
    """Scores, and the metrics of the suite that must follow, computed by hand."""

    scored: Sequence[Scored]
    metrics: Mapping[str, float]


class GoldCase(NamedTuple):
    """A sample, a response that must score 1, and a wrong twin that must score 0."""

    sample: Any
    gold: str
    twin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldCases:
    """A gold case for each sample of the real files, with the known exceptions.

    Attributes:
        suite: its name.
        cases: returns the cases for a data folder; raises `DataError` where files are missing.
        samples: the number of cases.
        golds: ids whose gold response does not score 1, with the reason.
        twins: ids whose twin does not score 0, with the reason.
        note: a remark for the table.
        slow: it takes more than about 20 seconds.
    """

    suite: str
    cases: Callable[[Path], Iterator[GoldCase]]
    samples: int
    golds: Mapping[str, str] = field(default_factory=dict)
    twins: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    slow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteCases:
    """The cases of one suite, or of several that share them.

    Attributes:
        suites: their names.
        sample: a sample.
        prompt: the request that asks it.
        completions: with their scores.
        files: path in the data folder -> a small file; each of them is needed.
        samples: what these files hold.
        malformed: path, another content of this file, and a pattern of the message.
        aggregations: scores and metrics.
        gold: the gold cases of the real files; none for a judged suite.
        parts: a field of the samples, and its counts in the real files.
    """

    suites: tuple[str, ...]
    sample: Any
    prompt: Request
    completions: tuple[Completions, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    samples: Sequence[Any] = ()
    malformed: Sequence[tuple[str, str, str]] = ()
    aggregations: tuple[Aggregation, ...] = ()
    gold: tuple[GoldCases, ...] = ()
    parts: tuple[str, Mapping[Any, int]] = ("", {})

    def write(self, folder: Path, **changed: str) -> Path:
        """Write the files, some with another content, into a data folder."""
        for path, text in {**self.files, **changed}.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            data = text.encode()
            file.write_bytes(gzip.compress(data) if path.endswith(".gz") else data)
        return folder


def json_lines(*rows: object) -> str:
    """Return rows as the text of a JSON-lines file."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    """Return the rows of a compressed JSON-lines file, with fields that the loaders leave out."""
    with gzip.open(folder / name, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def boxed(answer: object) -> str:
    """Return a sentence that declares an answer."""
    return f"So \\boxed{{{answer}}}"


def larger(number: str) -> str:
    """Return a number with a seven in front of its digits: neither near it nor 100 times it."""
    return re.sub("[0-9]", r"7\g<0>", number, count=1)


def answered(name: str, sample: Any, text: str, *outcomes: Any) -> Scored:
    """Return a repeat of a sample with one answer."""
    return Scored(name, sample, (Answer(text),), outcomes)


def filtered(name: str, sample: Any) -> Scored:
    """Return a repeat whose answer a content filter withheld."""
    return Scored(name, sample, (Answer("x", "filtered"),))


def all_cases() -> list[SuiteCases]:
    """Return the cases of every module of this folder."""
    folder = Path(__file__).parent
    names = sorted(module.name for module in pkgutil.iter_modules([str(folder)]))
    package = __name__.rpartition(".")[0]
    modules = (importlib.import_module(f"{package}.{name}") for name in names)
    return [cases for module in modules for cases in getattr(module, "CASES", ())]


def gold_cases() -> dict[str, GoldCases]:
    """Return the gold cases by the names of their suites."""
    return {gold.suite: gold for cases in all_cases() for gold in cases.gold}

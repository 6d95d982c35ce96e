"""Sample logs as tables of an MLflow run: one row a sample, checkpoints side by side."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.storage.atomic_files import read_lines
from harness.storage.result import Result
from harness.storage.run_folder import RunFolder, suite_file
from harness.tracking.records import SampleTable

#: A store's page loads a table whole: more rows are in the report and in the sample logs.
MOST_ROWS = 500
_LONGEST_TEXT = 2_000

_Key = tuple[str, int]


def sample_tables(folder: RunFolder, result: Result) -> dict[str, SampleTable]:
    """Return a table for each suite, of its first `MOST_ROWS` samples, by file stem.

    Columns are `sample`, `repeat`, `prompt` and, for each checkpoint, its answer, the extracted
    answer, its value and its status. Texts are cut at 2,000 characters. Suites without a
    sample log (a result file alone has none) have no table.
    """
    suites = dict.fromkeys(name for c in result.checkpoints for name in c.suites)
    tables = {suite_file(suite): _table(folder, result, suite) for suite in suites}
    return {stem: table for stem, table in tables.items() if table.rows}


def _table(folder: RunFolder, result: Result, suite: str) -> SampleTable:
    names = [c.name for c in result.checkpoints if suite in c.suites]
    lines = {name: _first(folder, name, suite) for name in names}
    keys = dict.fromkeys(key for by_key in lines.values() for key in by_key)
    headings = [f"{name}: {field}" for name in names for field in _FIELDS]
    rows = (_row(key, [lines[name].get(key) for name in names]) for key in keys)
    return SampleTable(("sample", "repeat", "prompt", *headings), tuple(rows))


def _first(folder: RunFolder, checkpoint: str, suite: str) -> dict[_Key, Mapping[str, Any]]:
    lines = read_lines(folder.sample_log(checkpoint, suite), MOST_ROWS)
    return {(line["sample_id"], line["repeat"]): line for line in lines}


_FIELDS = ("answer", "extracted", "value", "status")


def _row(key: _Key, lines: Sequence[Mapping[str, Any] | None]) -> tuple[str | float | None, ...]:
    prompt = next(_prompt(line) for line in lines if line)
    cells = (cell for line in lines for cell in _cells(line))
    return (key[0], key[1], prompt, *cells)


def _cells(line: Mapping[str, Any] | None) -> tuple[str | float | None, ...]:
    if line is None:
        return (None,) * len(_FIELDS)
    texts = (a.get("text") or "" for turn in line["turns"] for a in turn["answers"])
    extracted = None if line["extracted"] is None else _cut(str(line["extracted"]))
    return (_cut("\n---\n".join(texts)), extracted, line["value"], line["status"])


def _prompt(line: Mapping[str, Any]) -> str:
    """Return the last message of each request."""
    return _cut("\n---\n".join(_questions(line["turns"])))


def _questions(turns: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for turn in turns:
        for request in turn["requests"]:
            messages = request.get("messages")
            yield messages[-1]["content"] if messages else request.get("text", "")


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]} [...]"

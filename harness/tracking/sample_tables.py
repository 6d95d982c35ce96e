"""Sample logs as tables of an MLflow run: one row a sample, checkpoints side by side."""

from collections.abc import Iterable, Mapping
from typing import Any

from harness.storage.atomic_files import read_lines
from harness.storage.result import Result
from harness.storage.run_folder import RunFolder, suite_file

#: A store's page loads a table whole: more rows are in the report and in the sample logs.
MOST_ROWS = 500
_LONGEST_TEXT = 2_000

_FIELDS = ("answer", "extracted", "value", "status")


def sample_tables(folder: RunFolder, result: Result) -> dict[str, dict[str, Any]]:
    """Return a table for each suite, of its first `MOST_ROWS` samples, by file stem.

    It has the form of MLflow's `log_table`: `columns` and `data`. Columns are `sample`, `repeat`,
    `prompt` and, for each checkpoint, its answer, the extracted answer, its value and its status.
    Texts are cut at 2,000 characters. Suites without a sample log (a result file alone has none)
    have no table.
    """
    suites = dict.fromkeys(name for c in result.checkpoints for name in c.suites)
    tables = {suite_file(suite): _table(folder, result, suite) for suite in suites}
    return {stem: table for stem, table in tables.items() if table["data"]}


def _table(folder: RunFolder, result: Result, suite: str) -> dict[str, Any]:
    names = [c.name for c in result.checkpoints if suite in c.suites]
    lines: dict[str, dict[tuple[str, int], Mapping[str, Any]]] = {}
    for name in names:
        read = read_lines(folder.sample_log(name, suite), MOST_ROWS)
        lines[name] = {(line["sample_id"], line["repeat"]): line for line in read}
    keys = dict.fromkeys(key for by_key in lines.values() for key in by_key)
    headings = [f"{name}: {field}" for name in names for field in _FIELDS]
    rows = list[list[str | float | None]]()
    for key in keys:
        own = [lines[name].get(key) for name in names]
        turns = next(line["turns"] for line in own if line)
        prompt = _cut(_question(request) for turn in turns for request in turn["requests"])
        rows.append([*key, prompt, *(cell for line in own for cell in _cells(line))])
    return {"columns": ["sample", "repeat", "prompt", *headings], "data": rows}


def _cells(line: Mapping[str, Any] | None) -> tuple[str | float | None, ...]:
    if line is None:
        return (None,) * len(_FIELDS)
    texts = (a.get("text") or "" for turn in line["turns"] for a in turn["answers"])
    extracted = None if line["extracted"] is None else _cut([str(line["extracted"])])
    return (_cut(texts), extracted, line["value"], line["status"])


def _question(request: Mapping[str, Any]) -> str:
    """Return the last message of a request, or its text."""
    messages = request.get("messages")
    return str(messages[-1]["content"] if messages else request.get("text", ""))


def _cut(texts: Iterable[str]) -> str:
    text = "\n---\n".join(texts)
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]} [...]"

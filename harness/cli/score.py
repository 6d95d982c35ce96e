"""`nca score`: read files of answers, score them, print and write what was found."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.status import Status

from eval_suites import registry
from eval_suites.suite import Suite
from harness.errors import UserError
from harness.evaluate.answer_files import crosscheck, judged
from harness.evaluate.answer_files.judgements import Judged
from harness.evaluate.answer_files.rescore import Rescored, lines, record, refuse_unfit, rescore
from harness.evaluate.answer_files.stored import Stored, named_files, read_stored
from harness.evaluate.answer_files.unjudged import Bench, judge, read_answers
from harness.evaluate.judge.capabilities import require_judge
from harness.storage.atomic_files import write_json


@dataclass(frozen=True, slots=True)
class How:
    """The options of the command.

    Attributes:
        also: `evalplus`, or nothing.
        json_file: takes every sample's value too.
        unsafe: run programs also where they cannot be contained.
        allow_missing: show headlines though answers have no value.
        bench: a judge for answers that nobody has judged, or that are to be judged again.
    """

    also: str | None = None
    json_file: Path | None = None
    unsafe: bool = False
    allow_missing: bool = False
    bench: Bench | None = None


def score(suite_name: str, files: Sequence[str], data_dir: Path | None, how: How) -> None:
    """Print metrics of stored answers, and where evalplus says something else.

    Args:
        suite_name: as the user types it.
        files: `FILE` or `NAME=FILE`, one model each.
        data_dir: of the benchmark files.
        how: what is asked for besides.

    Raises:
        UserError: options that do not go together, or a file or suite that cannot be scored;
            nothing was run or written.
    """
    named = named_files(files)
    _refuse_unknown(how.also, suite_name, len(named))
    if how.json_file is not None and how.json_file.is_dir():
        raise UserError(f"--json {how.json_file}: is a folder; name a file")
    suite = registry.find(suite_name)
    if how.bench is not None and suite.judging is None:
        raise UserError(f"suite {suite.name} asks no judge: leave --judge away")
    samples = suite.load(data_dir)
    if how.bench is not None:
        require_judge([suite], how.bench.choice)
        models = _judged(suite, samples, named, how.bench)
    elif suite.judging is not None:
        read = (
            model
            for name, f in named.items()
            for model in judged.read_judged(suite, samples, name, f)
        )
        models = judged.by_model(tuple(read))
    else:
        models = _answered(suite, samples, named, unsafe=how.unsafe)
    for name, model in models.items():
        shown = lines(suite, name, model.answers, len(samples), allow_missing=how.allow_missing)
        _print((*shown, *judged.lines(model)))
    if note := suite.metrics.note(data_dir):
        print(note)
    if how.json_file is not None:
        records = {
            n: record(suite, m.answers, allow_missing=how.allow_missing) for n, m in models.items()
        }
        write_json(how.json_file, {"suite": suite.name, "models": records})
    if how.also:
        (model,) = models.values()
        _print(
            crosscheck.lines(crosscheck.disagreements(samples, model.answers), len(model.answers))
        )


def _judged(
    suite: Suite[Any], samples: Sequence[Any], named: Mapping[str, Path], bench: Bench
) -> dict[str, Judged]:
    stored: dict[str, tuple[Stored, ...]] = {}
    for name, file in named.items():
        for model, answers in read_answers(suite, samples, name, file).items():
            if model in stored:
                raise UserError(f"{model!r} has answers in two files: score them one by one")
            stored[model] = answers
    with Console(stderr=True).status("") as status:
        last: list[str] = []

        def note(text: str) -> None:
            status.update(text)
            last[:] = [text]

        judged = judge(suite, samples, stored, bench, note)
    _print(last)
    return judged


def _answered(
    suite: Suite[Any], samples: Sequence[Any], named: Mapping[str, Path], *, unsafe: bool
) -> dict[str, Judged]:
    stored = {name: read_stored(file) for name, file in named.items()}
    for answers in stored.values():
        refuse_unfit(suite, samples, answers)
    rescored = _rescored(suite, samples, stored, unsafe=unsafe)
    return {name: Judged(name, answers) for name, answers in rescored.items()}


def _refuse_unknown(also: str | None, suite: str, files: int) -> None:
    if also not in (None, "evalplus") or (also and suite != "humaneval_plus"):
        raise UserError("--also knows one thing: evalplus, for the suite humaneval_plus")
    if also and files > 1:
        raise UserError("--also takes one file: score them one after the other")


def _rescored(
    suite: Suite[Any],
    samples: Sequence[Any],
    stored: Mapping[str, Sequence[Stored]],
    *,
    unsafe: bool,
) -> dict[str, tuple[Rescored, ...]]:
    with Console(stderr=True).status("") as status:
        return {
            name: rescore(
                suite,
                samples,
                answers,
                unsafe=unsafe,
                on_progress=partial(_count, status, name, len(answers)),
            )
            for name, answers in stored.items()
        }


def _count(status: Status, name: str, total: int, done: int) -> None:
    status.update(f"{name}: {done} of {total} answers scored")


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)

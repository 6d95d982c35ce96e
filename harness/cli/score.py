"""The work of `nca score`: read files of answers, score them, print and write the outcome."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from eval_suites import registry
from eval_suites.suite import Suite
from harness.errors import UserError
from harness.evaluate.answer_files import crosscheck, judged
from harness.evaluate.answer_files.judgements import Judged
from harness.evaluate.answer_files.rescore import lines, record, refuse_unfit, rescore
from harness.evaluate.answer_files.stored import Stored, named_files, read_stored
from harness.evaluate.answer_files.unjudged import Bench, judge, read_answers
from harness.evaluate.loop.suite_choice import require_judge
from harness.pipeline.lookup import resolve_judge
from harness.pipeline.places import Places
from harness.recipe.schema import EvaluateSection, JudgeChoice
from harness.storage.atomic_files import write_json


def score(
    suite_name: str,
    files: Sequence[str],
    where: Places,
    chosen: JudgeChoice | None,
    *,
    also: str | None,
    json_file: Path | None,
    unsafe: bool,
    allow_missing: bool,
) -> None:
    """Print metrics of stored answers, and where evalplus says something else.

    Args:
        suite_name: as the user types it.
        files: `FILE` or `NAME=FILE`, one model each.
        where: the folders of benchmark files, models and the journal.
        chosen: a judge for answers that nobody has judged, or that are to be judged again.
        also: `evalplus`, or nothing.
        json_file: takes every sample's value too.
        unsafe: run programs also where they cannot be contained.
        allow_missing: show headlines though answers have no value.

    Raises:
        UserError: options that do not go together, or a file or suite that cannot be scored;
            nothing was run or written.
    """
    bench = None
    choice, fingerprint = resolve_judge(EvaluateSection(judge=chosen), where)
    if choice is not None:
        where.runs.mkdir(parents=True, exist_ok=True)
        bench = Bench(choice, fingerprint, where.journal)
    named = named_files(files)
    if also not in (None, "evalplus") or (also and suite_name != "humaneval_plus"):
        raise UserError("--also knows one thing: evalplus, for the suite humaneval_plus")
    if also and len(named) > 1:
        raise UserError("--also takes one file: score them one after the other")
    if json_file is not None and json_file.is_dir():
        raise UserError(f"--json {json_file}: is a folder; name a file")
    suite = registry.find(suite_name)
    if bench is not None and suite.judging is None:
        raise UserError(f"suite {suite.name} asks no judge: leave --judge away")
    samples = suite.load(where.data_dir)
    models = _scored(suite, samples, named, bench, unsafe=unsafe)
    for name, model in models.items():
        shown = lines(suite, name, model.answers, len(samples), allow_missing=allow_missing)
        print(*shown, *judged.lines(model), sep="\n")
    if note := suite.metrics.note(where.data_dir):
        print(note)
    if json_file is not None:
        records = {
            name: record(suite, model.answers, allow_missing=allow_missing)
            for name, model in models.items()
        }
        write_json(json_file, {"suite": suite.name, "models": records})
    if also:
        (model,) = models.values()
        differences = crosscheck.disagreements(samples, model.answers)
        print(*crosscheck.lines(differences, len(model.answers)), sep="\n")


def _scored(
    suite: Suite[Any],
    samples: Sequence[Any],
    named: Mapping[str, Path],
    bench: Bench | None,
    *,
    unsafe: bool,
) -> dict[str, Judged]:
    """Return the scored models by name: by a judge, by stored verdicts, or by the suite alone."""
    if bench is not None:
        require_judge([suite], bench.choice)
        return _judged(suite, samples, named, bench)
    if suite.judging is not None:
        files = [judged.read_judged(suite, samples, name, file) for name, file in named.items()]
        return judged.by_model([model for models in files for model in models])
    stored = {name: read_stored(file) for name, file in named.items()}
    for answers in stored.values():
        refuse_unfit(suite, samples, answers)
    models = {}
    with Console(stderr=True).status("") as status:
        for name, answers in stored.items():

            def count(done: int, name: str = name, total: int = len(answers)) -> None:
                status.update(f"{name}: {done} of {total} answers scored")

            rescored = rescore(suite, samples, answers, unsafe=unsafe, on_progress=count)
            models[name] = Judged(name, rescored)
    return models


def _judged(
    suite: Suite[Any], samples: Sequence[Any], named: Mapping[str, Path], bench: Bench
) -> dict[str, Judged]:
    stored: dict[str, tuple[Stored, ...]] = {}
    for name, file in named.items():
        for model, answers in read_answers(suite, samples, name, file).items():
            if model in stored:
                raise UserError(f"{model!r} has answers in two files: score them one by one")
            stored[model] = answers
    notes = []
    with Console(stderr=True).status("") as status:

        def note(text: str) -> None:
            status.update(text)
            notes.append(text)

        models = asyncio.run(judge(suite, samples, stored, bench, note))
    if notes:
        print(notes[-1])
    return models

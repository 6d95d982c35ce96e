"""Answers that a file holds and nobody has judged: read, and put before a judge.

FastChat's `model_answer`, AlpacaEval's `model_outputs.json`, our own lines and sample logs (whose
verdicts, if any, are left aside: another judge reads the same answers).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eval_suites.requests import Answer
from eval_suites.suite import Suite
from harness.errors import RunError
from harness.evaluate.answer_files.judged import is_judgement
from harness.evaluate.answer_files.judgements import Judged, text
from harness.evaluate.answer_files.rescore import Rescored, refuse_unfit
from harness.evaluate.answer_files.stored import (
    Stored,
    expecting,
    numbered_repeats,
    read_stored,
    rows_of,
    whole_text,
)
from harness.evaluate.client.tasks import Task, for_each
from harness.evaluate.judge.budget import describe_usage
from harness.evaluate.judge.judge import open_judge
from harness.recipe.schema import JudgeChoice
from harness.storage.journal.entries import Journal


def read_answers(
    suite: Suite[Any], samples: Sequence[Any], name: str, file: Path
) -> dict[str, tuple[Stored, ...]]:
    """Return the answers of each model of a file: upstream's own, our lines, or a sample log.

    A model that the file does not name is called `name`.

    Raises:
        RunError: the file cannot be read, holds judgements in place of answers, or answers to what
            the suite does not ask.
    """
    rows = rows_of(file)
    keys = {key for _, row in rows for key in row}
    by_model: dict[str, list[Stored]] = {}
    if any(is_judgement(row) for _, row in rows):
        raise RunError(f"{file}: is judged already: score it without --judge")
    if "choices" in keys:
        for where, row in rows:
            model, choices = _of_fastchat(where, row)
            by_model.setdefault(model, []).extend(choices)
    elif "instruction" in keys:
        ids = {getattr(sample, "instruction", None): sample.id for sample in samples}
        for where, row in rows:
            model, answer = _of_alpaca_eval(where, row, ids)
            by_model.setdefault(model, []).append(answer)
    else:
        by_model[name] = [replace(answer, verdicts=()) for answer in read_stored(file)]
    for answers in by_model.values():
        refuse_unfit(suite, samples, answers)
    return {model: numbered_repeats(answers) for model, answers in by_model.items()}


def _of_fastchat(where: str, row: Mapping[str, Any]) -> tuple[str, list[Stored]]:
    """Return the model of a row of FastChat's model_answer, and its choices: each is a repeat."""
    with expecting(where, "no row of FastChat's model_answer"):
        model, question = text(row, "model_id"), str(row["question_id"])
        choices = [[whole_text(turn) for turn in choice["turns"]] for choice in row["choices"]]
    return model, [Stored(question, 0, tuple(map(Answer, turns)), where) for turns in choices]


def _of_alpaca_eval(
    where: str, row: Mapping[str, Any], ids: Mapping[Any, str]
) -> tuple[str, Stored]:
    """Return the model of a row of AlpacaEval's model_outputs.json, and its answer."""
    with expecting(where, "no row of AlpacaEval's model_outputs"):
        instruction, output = text(row, "instruction"), whole_text(row["output"])
        model = text(row, "generator")
    if instruction not in ids:
        raise RunError(
            f"{where}: the suite has no such instruction: {instruction[:60]!r}: take it away"
        )
    return model, Stored(ids[instruction], 0, (Answer(output),), where)


@dataclass(frozen=True, slots=True)
class Bench:
    """The judge of stored answers: the choice, its model's fingerprint, and the journal."""

    choice: JudgeChoice
    fingerprint: str
    journal: Path


async def judge(
    suite: Suite[Any],
    samples: Sequence[Any],
    models: Mapping[str, Sequence[Stored]],
    bench: Bench,
    note: Callable[[str], None],
) -> dict[str, Judged]:
    """Return every model's answers with the judge's scores.

    Raises:
        EngineUnavailable, BudgetSpent, EngineDied: as for any judge; replies so far are kept.
    """
    by_id = {sample.id: sample for sample in samples}
    items = [(name, stored) for name, answers in models.items() for stored in answers]
    rescored: dict[int, Rescored] = {}

    async def judge_one(place: int) -> None:
        name, stored = items[place]
        if stored.lost is not None:
            rescored[place] = Rescored(stored, stored.lost, ())
        else:
            task = Task(replace(judging.model, name=name), suite, by_id[stored.sample_id], 1)
            score, replies = await judging.score(task, stored.answers, ())
            rescored[place] = Rescored(replace(stored, verdicts=replies), score, ())
        note(f"{len(rescored)} of {len(items)} answers judged")

    with Journal(bench.journal) as journal:
        async with open_judge(bench.choice, bench.fingerprint, 0, journal, note) as judging:
            await for_each(iter(range(len(items))), bench.choice.in_flight, judge_one)
        note(describe_usage(judging.budget))
    return {
        name: Judged(name, tuple(rescored[k] for k, item in enumerate(items) if item[0] == name))
        for name in models
    }

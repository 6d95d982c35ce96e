"""FastChat's `model_judgment` files: single ratings of MT-bench answers, several models a file.

A row is a judgement of one turn: `question_id`, `model`, `turn`, `judgment` (the judge's reply),
`score` (-1 where FastChat found none), `user_prompt`. Another row of the same turn is a repeat.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval_suites.judging.mt_bench import answers_shown
from eval_suites.judging.verdicts import rating
from eval_suites.requests import Answer
from eval_suites.suites import mt_bench
from harness.errors import RunError
from harness.evaluate.answer_files.judgements import Difference, Judged, Placed, text
from harness.evaluate.answer_files.rescore import Rescored
from harness.evaluate.answer_files.stored import Stored

_UNREAD = -1
_TURNS = {1: 1, 2: 2}


@dataclass(frozen=True, slots=True)
class _Row:
    """One judgement; `score` is None where FastChat found no rating."""

    question: str
    repeat: int
    turn: int
    reply: str
    score: float | None
    prompt: str
    judge: str
    where: str


def read(samples: Sequence[Any], rows: Sequence[Placed]) -> tuple[Judged, ...]:
    """Return judgements of each model, in the order in which the file names them first.

    Raises:
        RunError: a row is no such judgement, or of a question that the suite does not have.
    """
    by_id = {sample.id: sample for sample in samples}
    by_model: dict[str, list[_Row]] = {}
    seen: Counter[tuple[str, str, int]] = Counter()
    for where, row in rows:
        model, judgement = _row(row, where, seen)
        if judgement.question not in by_id:
            raise RunError(
                f"{where}: suite mt_bench has no question {judgement.question!r}: take the row away"
            )
        by_model.setdefault(model, []).append(judgement)
    return tuple(_judged(model, by_id, own) for model, own in by_model.items())


def _row(
    row: Mapping[str, Any], where: str, seen: Counter[tuple[str, str, int]]
) -> tuple[str, _Row]:
    try:
        model, question, turn = text(row, "model"), str(row["question_id"]), _TURNS[row["turn"]]
        reply, score = text(row, "judgment"), float(row["score"])
        prompt, judge = str(row.get("user_prompt", "")), str(row.get("judge", [""])[0])
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise RunError(
            f"{where}: no single rating of FastChat's model_judgment "
            f"({type(error).__name__}: {error})"
        ) from error
    key = (model, question, turn)
    repeat, seen[key] = seen[key], seen[key] + 1
    kept = None if score == _UNREAD or math.isnan(score) else score
    return model, _Row(question, repeat, turn, reply, kept, prompt, judge, where)


def _judged(model: str, by_id: Mapping[str, Any], rows: Sequence[_Row]) -> Judged:
    judges = sorted({row.judge for row in rows})
    if len(judges) > 1:
        raise RunError(
            f"{rows[0].where}: {model!r} has ratings of several judges ({', '.join(judges)}): "
            "give each judge's a file of its own"
        )
    by_repeat: dict[tuple[str, int], dict[int, _Row]] = {}
    for row in rows:
        by_repeat.setdefault((row.question, row.repeat), {})[row.turn] = row
    rescored = [_rescored(by_id[question], turns) for (question, _), turns in by_repeat.items()]
    odd = sum(
        len(turns)
        for answer, turns in zip(rescored, by_repeat.values(), strict=True)
        if not answer.stored.answers and len(turns) == mt_bench.TURNS
    )
    return Judged(
        model,
        tuple(rescored),
        stored=tuple(row.score for row in rows if row.score is not None),
        judgements=len(rows),
        odd=odd,
        differ=tuple(_differences(rows)),
    )


def _rescored(sample: Any, turns: Mapping[int, _Row]) -> Rescored:
    """Return one dialogue from its judgements; a turn that is not there has no verdict."""
    given = [turns.get(turn) for turn in range(1, mt_bench.TURNS + 1)]
    prompts = [row.prompt for row in given if row]
    shown = answers_shown(sample, prompts) if len(prompts) == mt_bench.TURNS else ()
    answers = tuple(Answer(text) for text in shown)
    verdicts = tuple(Answer(row.reply if row else "") for row in given)
    score = mt_bench.score_of(
        sample, answers, verdicts, [row.score if row else None for row in given]
    )
    first = next(row for row in given if row)
    return Rescored(Stored(sample.id, first.repeat, answers, first.where), score, ())


def _differences(rows: Sequence[_Row]) -> Iterator[Difference]:
    for row in rows:
        ours = rating(row.reply)
        if ours != row.score:
            yield Difference(
                f"question {row.question}, turn {row.turn}", row.score, ours, row.where
            )

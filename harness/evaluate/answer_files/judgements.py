"""Judgements in the files of official tools, beside our reading of the same replies.

FastChat's `model_judgment` has single ratings of MT-bench answers, several models a file. A row is
a judgement of one turn: `question_id`, `model`, `turn`, `judgment` (the judge's reply), `score` (-1
where FastChat found none), `user_prompt`. Another row of the same turn is a repeat; but FastChat
appends a row where a judgement that failed is asked again, so that one without a rating does not
count where its turn has a rating.

AlpacaEval's `annotations.json` is one array of preferences between the baseline and a model. A row
has `instruction`, `output_1` and `generator_1` (the baseline), `output_2` and `generator_2` (the
model), `preference` (1 baseline, 2 model, 0 or 1.5 a draw, null where upstream found none) and
often `raw_completion`, the judge's reply.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from eval_suites.judging.mt_bench import answers_shown
from eval_suites.judging.verdicts import rating
from eval_suites.requests import Answer
from eval_suites.suites import alpaca_eval, mt_bench
from harness.errors import RunError
from harness.evaluate.answer_files.rescore import Rescored
from harness.evaluate.answer_files.stored import Placed, Stored, expecting, numbered_repeats

_UNREAD = -1
_TURNS = {1: 1, 2: 2}
#: Stored preferences are rounded to ten digits.
_NEAR = 1e-6
_NO_REPLY = Answer("")
#: From a sample and the judge's replies to a preference.
Reading = Callable[[Any, tuple[Answer, ...]], float | None]


@dataclass(frozen=True, slots=True)
class Difference:
    """A stored number that our reading of the same reply does not give; None is no number."""

    what: str
    stored: float | None
    ours: float | None
    where: str


@dataclass(frozen=True, slots=True)
class Judged:
    """The answers and judgements of one model in a file.

    Attributes:
        stored: upstream's numbers that count.
        judgements: how many the file holds, those that upstream drops too.
        unread: how many are there as a number only, without the judge's reply.
        odd: how many have another prompt than the official one; their answers are not known.
        differ: where our reading is another than the stored number.
        other_baseline: how many compare with another text of the baseline than the suite's.
    """

    model: str
    answers: tuple[Rescored, ...]
    stored: tuple[float, ...] = ()
    judgements: int = 0
    unread: int = 0
    odd: int = 0
    differ: tuple[Difference, ...] = ()
    other_baseline: int = 0


@dataclass(frozen=True, slots=True)
class _Row:
    """One judgement.

    `stored` is None where upstream has no number, `reply` where the file does not keep it; `shown`
    is what the judge was shown: its prompt (FastChat), or the model's output (AlpacaEval); `other`
    is True for another text of the baseline than the suite's.
    """

    model: str
    sample: Any
    shown: str
    stored: float | None
    reply: Answer | None
    where: str
    turn: int = 1
    judge: str = ""
    other: bool = False


def text(row: Mapping[str, Any], key: str) -> str:
    """Return a text of a row.

    Raises:
        KeyError, TypeError: it is not there, or is none.
    """
    if not isinstance(row[key], str):
        raise TypeError(f"{key} is no text")
    return str(row[key])


def read_ratings(samples: Sequence[Any], rows: Sequence[Placed]) -> tuple[Judged, ...]:
    """Return FastChat's ratings of each model, in the order in which the file names them first.

    Raises:
        RunError: a row is no such rating, or of a question that the suite does not have; or
            several judges rate a model.
    """
    by_id = {sample.id: sample for sample in samples}
    ratings = [_rating(where, row, by_id) for where, row in rows]
    return tuple(_rated(model, own) for model, own in _by_model(ratings).items())


def read_preferences(
    samples: Sequence[Any], rows: Sequence[Placed], reading: Reading
) -> tuple[Judged, ...]:
    """Return AlpacaEval's annotations of each model, in the order in which the file names them.

    Raises:
        RunError: a row is no annotation, is of an instruction that the suite does not have, or
            compares with another baseline.
    """
    by_instruction = {sample.instruction: sample for sample in samples}
    preferences = [_preference(where, row, by_instruction) for where, row in rows]
    return tuple(_preferred(model, own, reading) for model, own in _by_model(preferences).items())


def _by_model(rows: Sequence[_Row]) -> dict[str, list[_Row]]:
    by_model: dict[str, list[_Row]] = {}
    for row in rows:
        by_model.setdefault(row.model, []).append(row)
    return by_model


def _rating(where: str, row: Mapping[str, Any], by_id: Mapping[str, Any]) -> _Row:
    with expecting(where, "no single rating of FastChat's model_judgment"):
        model, question, turn = text(row, "model"), str(row["question_id"]), _TURNS[row["turn"]]
        reply, score = Answer(text(row, "judgment")), float(row["score"])
        prompt, judge = str(row.get("user_prompt", "")), str(row.get("judge", [""])[0])
    if question not in by_id:
        raise RunError(f"{where}: suite mt_bench has no question {question!r}: take the row away")
    stored = None if score == _UNREAD or math.isnan(score) else score
    return _Row(model, by_id[question], prompt, stored, reply, where, turn, judge)


def _rated(model: str, rows: Sequence[_Row]) -> Judged:
    judges = sorted({row.judge for row in rows})
    if len(judges) > 1:
        raise RunError(
            f"{rows[0].where}: {model!r} has ratings of several judges ({', '.join(judges)}): "
            "give each judge's a file of its own"
        )
    seen: Counter[tuple[str, int]] = Counter()
    dialogues: dict[tuple[str, int], dict[int, _Row]] = {}
    differ = []
    rated = {(row.sample.id, row.turn) for row in rows if row.stored is not None}
    for row in rows:
        if row.stored is None and (row.sample.id, row.turn) in rated:
            continue  # asked again
        name, turn = row.sample.id, row.turn
        dialogues.setdefault((name, seen[name, turn]), {})[turn] = row
        seen[name, turn] += 1
        if (ours := rating((row.reply or _NO_REPLY).text)) != row.stored:
            place = f"question {name}, turn {turn}"
            differ.append(Difference(place, row.stored, ours, row.where))
    answers = [_dialogue(repeat, turns) for (_, repeat), turns in dialogues.items()]
    unknown = (
        len(turns)
        for answer, turns in zip(answers, dialogues.values(), strict=True)
        if not answer.stored.answers and len(turns) == mt_bench.TURNS
    )
    stored = tuple(row.stored for row in rows if row.stored is not None)
    return Judged(model, tuple(answers), stored, len(rows), odd=sum(unknown), differ=tuple(differ))


def _dialogue(repeat: int, turns: Mapping[int, _Row]) -> Rescored:
    """Return one dialogue from its ratings; a turn that is not there has no verdict."""
    rows = [turns.get(turn) for turn in range(1, mt_bench.TURNS + 1)]
    first = next(row for row in rows if row)
    shown = answers_shown(first.sample, [row.shown for row in rows if row]) if all(rows) else ()
    answers = tuple(map(Answer, shown))
    verdicts = tuple((row.reply if row else None) or _NO_REPLY for row in rows)
    ratings = [row.stored if row else None for row in rows]
    score = mt_bench.score_of(first.sample, answers, verdicts, ratings)
    return Rescored(Stored(first.sample.id, repeat, answers, first.where), score, ())


def _preference(where: str, row: Mapping[str, Any], by_instruction: Mapping[str, Any]) -> _Row:
    with expecting(where, "no annotation of AlpacaEval's"):
        instruction, model = text(row, "instruction"), text(row, "generator_2")
        output = text(row, "output_2")
        stored, reply = _stored_preference(row["preference"]), _reply(row.get("raw_completion"))
        baseline = row["generator_1"], text(row, "output_1")
    sample = by_instruction.get(instruction)
    if sample is None:
        raise RunError(
            f"{where}: AlpacaEval has no such instruction: {instruction[:60]!r}: take it away"
        )
    if baseline[0] != sample.generator:
        raise RunError(
            f"{where}: compares with {baseline[0]!r}, and this suite with the outputs of "
            f"{sample.generator!r}: name the suite with that baseline (alpaca_eval is 2.0, "
            "alpaca_eval_1 is 1.0)"
        )
    # A verdict is on the texts that the judge saw, also where ours of the baseline is another.
    compared = sample if baseline[1] == sample.baseline else replace(sample, baseline=baseline[1])
    return _Row(model, compared, output, stored, reply, where, other=compared is not sample)


def _stored_preference(given: Any) -> float | None:
    """Return a stored preference as upstream counts it: 0 is a draw, None is dropped."""
    if given is None or math.isnan(float(given)):
        return None
    number = float(given) or alpaca_eval.DRAW
    return number if 1 <= number <= 2 else None


def _reply(raw: Any) -> Answer | None:
    """Return the judge's reply, from a text or from what the API returned."""
    if not raw:
        return None
    if isinstance(raw, str):
        return Answer(raw)
    if not isinstance(raw, Mapping):
        raise TypeError("raw_completion is neither a text nor an object")
    places = (raw.get("logprobs") or {"content": ()})["content"]
    tops = tuple(
        tuple((str(top["token"]), float(top["logprob"])) for top in place["top_logprobs"])
        for place in places
    )
    return Answer(str(raw.get("text", "")), tokens=len(tops), logprobs=tops)


def _preferred(model: str, rows: Sequence[_Row], reading: Reading) -> Judged:
    given = (Stored(row.sample.id, 0, (Answer(row.shown),), row.where) for row in rows)
    answers, differ = [], []
    for row, answer in zip(rows, numbered_repeats(given), strict=True):
        ours = row.stored if row.reply is None else reading(row.sample, (row.reply,))
        score = alpaca_eval.score_of(row.sample, answer.answers[0], ours, row.stored)
        answers.append(Rescored(answer, score, ()))
        if ours is None or row.stored is None:
            agree = ours is row.stored
        else:
            agree = abs(ours - row.stored) <= _NEAR
        if not agree:
            differ.append(Difference(f"sample {row.sample.id}", row.stored, ours, row.where))
    stored = tuple(row.stored - 1 for row in rows if row.stored is not None)
    unread = sum(row.reply is None for row in rows)
    other = sum(row.other for row in rows)
    return Judged(model, tuple(answers), stored, len(rows), unread, 0, tuple(differ), other)

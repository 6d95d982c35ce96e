"""AlpacaEval's `annotations.json`: one array of preferences between the baseline and a model.

A row has `instruction`, `output_1` and `generator_1` (the baseline), `output_2` and `generator_2`
(the model), `preference` (1 baseline, 2 model, 0 or 1.5 a draw, null where upstream found none) and
often `raw_completion`, the judge's reply.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval_suites.judging.alpaca_eval import DRAW, ranked, weighted
from eval_suites.requests import Answer
from eval_suites.suites import alpaca_eval
from harness.errors import RunError
from harness.evaluate.answer_files.judgements import Difference, Judged, Placed, text
from harness.evaluate.answer_files.rescore import Rescored
from harness.evaluate.answer_files.stored import Stored

#: Stored preferences are rounded to ten digits.
_NEAR = 1e-6
Reading = Callable[[Any, tuple[Answer, ...]], float | None]


@dataclass(frozen=True, slots=True)
class _Row:
    """One annotation, without a preference where upstream has none, a reply where none is kept."""

    model: str
    sample: Any
    output: str
    preference: float | None
    reply: Answer | None
    where: str


def read_weighted(samples: Sequence[Any], rows: Sequence[Placed]) -> tuple[Judged, ...]:
    """Return annotations of AlpacaEval 2.0; see `_read`."""
    return _read(samples, rows, weighted)


def read_ranked(samples: Sequence[Any], rows: Sequence[Placed]) -> tuple[Judged, ...]:
    """Return annotations of AlpacaEval 1.0; see `_read`."""
    return _read(samples, rows, ranked)


def _read(samples: Sequence[Any], rows: Sequence[Placed], reading: Reading) -> tuple[Judged, ...]:
    """Return annotations of each model, in the order in which the file names them first.

    Raises:
        RunError: a row is no annotation, is of an instruction that the suite does not have, or
            compares with another baseline.
    """
    by_instruction = {sample.instruction: sample for sample in samples}
    by_model: dict[str, list[_Row]] = {}
    for where, row in rows:
        annotation = _row(row, by_instruction, where)
        by_model.setdefault(annotation.model, []).append(annotation)
    return tuple(_judged(model, own, reading) for model, own in by_model.items())


def _row(row: Mapping[str, Any], by_instruction: Mapping[str, Any], where: str) -> _Row:
    try:
        instruction, model = text(row, "instruction"), text(row, "generator_2")
        output = text(row, "output_2")
        preference, reply = _preference(row["preference"]), _reply(row.get("raw_completion"))
        baseline = row["generator_1"], row["output_1"]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise RunError(
            f"{where}: no annotation of AlpacaEval's ({type(error).__name__}: {error})"
        ) from error
    sample = by_instruction.get(instruction)
    if sample is None:
        raise RunError(
            f"{where}: AlpacaEval has no such instruction: {instruction[:60]!r}: take it away"
        )
    if baseline != (sample.generator, sample.baseline):
        raise RunError(
            f"{where}: compares with {baseline[0]!r}, and this suite with the outputs of "
            f"{sample.generator!r}: name the suite with that baseline (alpaca_eval is 2.0, "
            "alpaca_eval_1 is 1.0)"
        )
    return _Row(model, sample, output, preference, reply, where)


def _preference(given: Any) -> float | None:
    """Return a stored preference as upstream counts it: 0 is a draw, None is dropped."""
    if given is None or math.isnan(float(given)):
        return None
    number = float(given) or DRAW
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


def _judged(model: str, rows: Sequence[_Row], reading: Reading) -> Judged:
    seen: Counter[str] = Counter()
    rescored, differ = [], []
    for row in rows:
        ours = row.preference if row.reply is None else reading(row.sample, (row.reply,))
        answer = Answer(row.output)
        score = alpaca_eval.score_of(row.sample, answer, ours, row.preference)
        stored = Stored(row.sample.id, seen[row.sample.id], (answer,), row.where)
        seen[row.sample.id] += 1
        rescored.append(Rescored(stored, score, ()))
        if not _agree(ours, row.preference):
            differ.append(Difference(f"sample {row.sample.id}", row.preference, ours, row.where))
    return Judged(
        model,
        tuple(rescored),
        stored=tuple(row.preference - 1 for row in rows if row.preference is not None),
        judgements=len(rows),
        unread=sum(row.reply is None for row in rows),
        differ=tuple(differ),
    )


def _agree(ours: float | None, stored: float | None) -> bool:
    if ours is None or stored is None:
        return ours is stored
    return abs(ours - stored) <= _NEAR

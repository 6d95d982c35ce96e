"""Scores that judges gave elsewhere, read again, with the differences from our reading.

Upstream's own numbers are in the file and become `official`; the value is our reading of the
judge's reply, where the file has it. Nobody is asked anything.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from eval_suites.judging.injections import suspects
from eval_suites.suite import Suite
from eval_suites.suites.alpaca_eval import ranked, weighted
from harness.errors import RunError
from harness.evaluate.answer_files.judgements import Judged, read_preferences, read_ratings
from harness.evaluate.answer_files.rescore import rescore
from harness.evaluate.answer_files.stored import Placed, read_stored, rows_of, stem

#: Differences that are shown one by one; all are counted.
SHOWN = 10

#: From a suite's samples and a file's rows to what it says of each model.
READERS: Mapping[str, Callable[[Sequence[Any], Sequence[Placed]], tuple[Judged, ...]]] = {
    "mt_bench": read_ratings,
    "alpaca_eval": partial(read_preferences, reading=weighted),
    "alpaca_eval_1": partial(read_preferences, reading=ranked),
}


def read_judged(
    suite: Suite[Any], samples: Sequence[Any], name: str, file: Path
) -> tuple[Judged, ...]:
    """Return the scores of each model of a file, upstream's own or a sample log.

    A model that the file does not name is called `name`.

    Raises:
        RunError: the file cannot be read, or holds answers that nobody has judged.
    """
    rows = rows_of(file)
    if all("sample_id" in row and "verdicts" in row for _, row in rows):
        return (Judged(name, rescore(suite, samples, read_stored(file))),)
    if any("g1_judgment" in row for _, row in rows):
        raise RunError(f"{file}: holds verdicts on pairs, and `nca score` reads ratings of one")
    if suite.name not in READERS or not any(is_judgement(row) for _, row in rows):
        raise RunError(
            f"{file}: holds answers that no judge has seen, and suite {suite.name} is scored by "
            "a judge: name one with --judge"
        )
    judged = READERS[suite.name](samples, rows)
    renamed = name != stem(file) and len(judged) == 1
    return (replace(judged[0], model=name),) if renamed else judged


def is_judgement(row: Mapping[str, Any]) -> bool:
    """Return True if a row of a file is upstream's verdict on an answer."""
    return "judgment" in row or "preference" in row


def by_model(judged: Sequence[Judged]) -> dict[str, Judged]:
    """Return the judged models by name.

    Raises:
        RunError: two files hold judgements of one model.
    """
    for name, count in Counter(model.model for model in judged).items():
        if count > 1:
            raise RunError(
                f"{name!r} is judged in two files: write NAME=FILE, or score them one by one"
            )
    return {model.model: model for model in judged}


def lines(judged: Judged) -> Iterator[str]:
    """Yield the lines on stored verdicts: upstream's mean, differences, suspicious answers."""
    if judged.judgements:
        yield from _upstream(judged)
    kinds = [
        {kind for answer in item.stored.answers for kind in suspects(answer.text)}
        for item in judged.answers
    ]
    if counts := Counter(kind for own in kinds for kind in own):
        listed = ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items()))
        some = sum(map(bool, kinds))
        yield f"text that a judge may obey: in {some} of {len(kinds)} samples ({listed})"


def _upstream(judged: Judged) -> Iterator[str]:
    kept, total = len(judged.stored), judged.judgements
    mean = f"{sum(judged.stored) / kept:.6f}" if kept else "none"
    yield f"stored by upstream: mean {mean} of {kept} judgements, {total - kept} dropped"
    if judged.unread:
        yield f"without the judge's reply, so the stored number stands: {judged.unread} of {total}"
    if judged.odd:
        yield f"judged by another prompt than the official one: {judged.odd} of {total}"
    if judged.other_baseline:
        yield (
            "warning: compared with another text of the baseline than this suite's: "
            f"{judged.other_baseline} of {total} (the verdicts count)"
        )
    yield f"our reading differs from the stored number on {len(judged.differ)} of {total}"
    for differ in judged.differ[:SHOWN]:
        stored, ours = (
            "none" if number is None else f"{number:.10g}"
            for number in (differ.stored, differ.ours)
        )
        yield f"  {differ.what}: stored {stored}, ours {ours} ({differ.where})"
    if len(judged.differ) > SHOWN:
        yield f"  and {len(judged.differ) - SHOWN} more"

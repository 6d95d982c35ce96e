"""The verdicts of evalplus's own executor beside those of our sandbox (extra `crosscheck`)."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from harness.errors import UserError
from harness.evaluate.answer_files.rescore import Rescored

#: Seconds that evalplus allows an input at least (its later default; 1.0 in release 0.3.1).
_INPUT_S = 4.0


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A program on which the two differ: verdicts on base and plus inputs."""

    sample_id: str
    repeat: int
    ours: tuple[str, ...]
    theirs: tuple[str, ...]


def disagreements(samples: Sequence[Any], rescored: Sequence[Rescored]) -> tuple[Disagreement, ...]:
    """Run every program again in evalplus's executor, uncontained, and keep the differences.

    `samples` are of the suite `humaneval_plus`; `rescored` has the verdicts of our sandbox.

    Raises:
        UserError: evalplus is not installed.
    """
    try:
        from evalplus.eval import untrusted_check
    except ImportError as error:
        raise UserError(
            "evalplus is not installed: pip install 'nca-harness[crosscheck]'"
        ) from error
    check = partial(untrusted_check, fast_check=True, min_time_limit=_INPUT_S)
    by_id = {sample.id: sample for sample in samples}
    differ = []
    for answer in rescored:
        sample, candidate = by_id[answer.stored.sample_id], answer.score.extracted
        if candidate is None:
            continue
        theirs = []
        for text in (sample.base_inputs, sample.plus_inputs):
            expected, times = _expected(sample, text)
            against = (sample.entry_point, expected, sample.tolerance, times)
            status, _ = check("humaneval", candidate, json.loads(text), *against)
            theirs.append(str(status))
        ours = tuple(outcome.verdict for outcome in answer.outcomes)
        if [verdict == "pass" for verdict in ours] != [status == "pass" for status in theirs]:
            differ.append(Disagreement(sample.id, answer.stored.repeat, ours, tuple(theirs)))
    return tuple(differ)


def _expected(sample: Any, inputs: str) -> tuple[list[Any], list[float]]:
    """Return the reference solution's answers, and its seconds for each input."""
    names: dict[str, Any] = {}
    exec(sample.prompt + sample.solution, names)  # noqa: S102 - upstream's own reference solution
    answers, times = [], []
    for arguments in json.loads(inputs):
        began = time.monotonic()
        answers.append(names[sample.entry_point](*arguments))
        times.append(time.monotonic() - began)
    return answers, times


def lines(differ: Sequence[Disagreement], programs: int) -> Iterator[str]:
    """Yield the lines that state where the two differ."""
    yield f"evalplus differs on {len(differ)} of {programs} programs"
    for program in differ:
        ours, theirs = "/".join(program.ours), "/".join(program.theirs)
        yield (
            f"{program.sample_id} (answer {program.repeat}): ours {ours}, evalplus {theirs} "
            "(base/plus)"
        )

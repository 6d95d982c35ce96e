"""Score answers that a file holds: a sample log of ours, or samples as evalplus writes them."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval_suites.sandbox import Outcome, Sandbox
from eval_suites.scoring import metrics_of, settle
from eval_suites.suite import Answer, Score, Suite
from harness.errors import RunError


@dataclass(frozen=True, slots=True)
class Stored:
    """One sample's stored answers; `repeat` counts the answers to one sample."""

    sample_id: str
    repeat: int
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Rescored:
    """A stored answer with its score and what the sandbox said."""

    stored: Stored
    score: Score
    outcomes: tuple[Outcome, ...]


def read_stored(file: Path) -> tuple[Stored, ...]:
    """The answers of a file of JSON lines.

    A line has `sample_id` and `turns` (our sample log), or `task_id` and `solution` (a whole
    program) or `completion` (what goes on behind the prompt).

    Raises:
        RunError: the file is missing or a line is neither; the message names the line.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"{file}: cannot be read ({error})") from error
    found: list[Stored] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if line.strip():
            name, answers = _stored(line, f"{file}, line {number}")
            found.append(Stored(name, seen.get(name, 0), answers))
            seen[name] = seen.get(name, 0) + 1
    return tuple(found)


def _stored(line: str, where: str) -> tuple[str, tuple[Answer, ...]]:
    try:
        row = json.loads(line)
        if "turns" in row:
            given = (answer for turn in row["turns"] for answer in turn["answers"])
            return row["sample_id"], tuple(Answer(**answer) for answer in given)
        if "solution" in row:
            return row["task_id"], (Answer(f"```python\n{row['solution']}\n```"),)
        return row["task_id"], (Answer(row["completion"]),)
    except (ValueError, TypeError, KeyError) as error:
        raise RunError(
            f"{where}: neither a line of a sample log nor task_id with solution or completion "
            f"({type(error).__name__}: {error})"
        ) from error


def rescore(
    suite: Suite[Any],
    samples: Sequence[Any],
    stored: Sequence[Stored],
    *,
    unsafe: bool = False,
    told: Callable[[int], None] = lambda _: None,
) -> tuple[Rescored, ...]:
    """Check and score stored answers.

    Args:
        suite: whose rules hold.
        samples: the suite's samples.
        stored: the answers, in the file's order.
        unsafe: run programs also where they cannot be contained.
        told: hears how many are done.

    Raises:
        RunError: an answer to a sample that the suite does not have.
    """
    known = {sample.id: sample for sample in samples}
    for one in stored:
        if one.sample_id not in known:
            raise RunError(f"suite {suite.name} has no sample {one.sample_id!r}")
    return asyncio.run(_rescore(suite, known, stored, Sandbox(unsafe=unsafe), told))


async def _rescore(
    suite: Suite[Any],
    known: Mapping[str, Any],
    stored: Sequence[Stored],
    sandbox: Sandbox,
    told: Callable[[int], None],
) -> tuple[Rescored, ...]:
    done = 0

    async def one(item: Stored, box: Sandbox) -> Rescored:
        nonlocal done
        sample = known[item.sample_id]
        outcomes = tuple([await box.run(check) for check in suite.checks(sample, item.answers)])
        done += 1
        told(done)
        return Rescored(item, settle(suite, sample, item.answers, (), outcomes), outcomes)

    async with sandbox as box:
        return tuple(await asyncio.gather(*(one(item, box) for item in stored)))


def lines(suite: Suite[Any], found: Sequence[Rescored]) -> Iterator[str]:
    """The metrics and statuses of rescored answers, in words."""
    metrics = metrics_of(suite, ((one.stored.sample_id, one.score) for one in found))
    samples = len({one.stored.sample_id for one in found})
    yield f"{suite.name}: {len(found)} answers to {samples} samples"
    yield from (f"{name}: {value:.4f}" for name, value in metrics.items())
    counts = Counter(one.score.status for one in found)
    yield "statuses: " + ", ".join(f"{status} {count}" for status, count in sorted(counts.items()))
    tiers = sorted({outcome.tier for one in found for outcome in one.outcomes} - {"A", "call"})
    yield from (f"programs were contained on tier {tier}, not A" for tier in tiers)

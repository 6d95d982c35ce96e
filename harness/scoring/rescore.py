"""Score answers that files hold, without an engine: `nca score`."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval_suites.sandbox import Outcome, Sandbox
from eval_suites.scoring import metrics_of, settle
from eval_suites.suite import Answer, Score, Suite
from harness.compare.comparison import interval_of
from harness.errors import RunError
from harness.judge.referee import is_judged
from harness.scoring.stored import Stored


@dataclass(frozen=True, slots=True)
class Rescored:
    """A stored answer with its score and what the sandbox said."""

    stored: Stored
    score: Score
    outcomes: tuple[Outcome, ...]


def refuse_judged(suite: Suite[Any]) -> None:
    """Refuse a suite whose score is a judge's.

    Raises:
        RunError: it is one.
    """
    if is_judged(suite):
        raise RunError(
            f"suite {suite.name} is scored by a judge, and `nca score` asks no model: "
            "use `nca eval` or `nca run` with a recipe that sets evaluate.judge"
        )


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
        RunError: the suite is judged, an answer is to a sample that it does not have, or is not
            of as many turns as it asks. Nothing was run.
    """
    refuse_judged(suite)
    refuse_unfit(suite, samples, stored)
    known = {sample.id: sample for sample in samples}
    return asyncio.run(_rescore(suite, known, stored, Sandbox(unsafe=unsafe), told))


def refuse_unfit(suite: Suite[Any], samples: Sequence[Any], stored: Sequence[Stored]) -> None:
    """Refuse answers that the suite did not ask for.

    Raises:
        RunError: one is to a sample that the suite does not have, or of another number of turns.
    """
    known = {sample.id: sample for sample in samples}
    for one in stored:
        _refuse_unfit(suite, known, one)


def _refuse_unfit(suite: Suite[Any], known: Mapping[str, Any], one: Stored) -> None:
    if one.sample_id not in known:
        like = f" (its ids are like {next(iter(known))!r})" if known else ""
        raise RunError(
            f"{one.where}: suite {suite.name} has no sample {one.sample_id!r}{like}: "
            "name the right suite, or mend the id"
        )
    asked = _asked(suite, known[one.sample_id], one.answers)
    if asked != len(one.answers) and one.lost is None:
        least = "at least " * (asked > len(one.answers))
        raise RunError(
            f"{one.where}: texts given: {len(one.answers)}, but suite {suite.name} asks for "
            f"{least}{asked}: give the texts of all turns of one answer, another answer on a "
            "line of its own"
        )


def _asked(suite: Suite[Any], sample: Any, answers: tuple[Answer, ...]) -> int:
    """How many answers the suite asks for; where these are too few, more than they are."""
    count = 0
    while count <= len(answers) and (requests := suite.ask(sample, answers[:count])):
        count += len(requests)
    return count


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
        scored = await _score(suite, known[item.sample_id], item, box)
        done += 1
        told(done)
        return scored

    async with sandbox as box:
        return tuple(await asyncio.gather(*(one(item, box) for item in stored)))


async def _score(suite: Suite[Any], sample: Any, item: Stored, box: Sandbox) -> Rescored:
    if item.lost is not None and _asked(suite, sample, item.answers) != len(item.answers):
        return Rescored(item, item.lost, ())
    outcomes = tuple([await box.run(check) for check in suite.checks(sample, item.answers)])
    return Rescored(item, settle(suite, sample, item.answers, (), outcomes), outcomes)


def record(suite: Suite[Any], found: Sequence[Rescored]) -> dict[str, Any]:
    """One model's part of what `--json` writes: metrics, and samples by id and repeat."""
    ordered = sorted(found, key=lambda one: (one.stored.sample_id, one.stored.repeat))
    return {
        "metrics": _metrics(suite, ordered),
        "samples": [
            {
                "sample_id": one.stored.sample_id,
                "repeat": one.stored.repeat,
                "extracted": one.score.extracted,
                "value": one.score.value,
                "status": one.score.status,
                "reason": one.score.reason,
            }
            for one in ordered
        ],
    }


def lines(suite: Suite[Any], name: str, found: Sequence[Rescored], total: int) -> Iterator[str]:
    """A model's metrics and statuses in words, the headline first.

    The headline is the mean over samples (each sample's repeats averaged), with its 95 % interval.

    Args:
        suite: whose rules held.
        name: the model's.
        found: its scored answers.
        total: samples of the suite.
    """
    values = _means(found)
    there = len({one.stored.sample_id for one in found})
    yield f"{name} on {suite.name}: {there} of {total} samples, answers: {len(found)}"
    yield f"{suite.headline}: {_headline(values, total)}"
    yield from (
        f"{metric}: {value:.4f}"
        for metric, value in _metrics(suite, found).items()
        if metric != suite.headline
    )
    yield from _not_ok(found)
    tiers = sorted({outcome.tier for one in found for outcome in one.outcomes} - {"A", "call"})
    yield from (f"programs were contained on tier {tier}, not A" for tier in tiers)


def _headline(values: Sequence[float], total: int) -> str:
    if not values:
        return f"no value (n = 0 of {total})"
    interval = interval_of(values)
    around = f"{interval.low:.4f} to {interval.high:.4f}" if interval else "cannot be estimated"
    return f"{sum(values) / len(values):.4f}, 95 % interval {around} (n = {len(values)} of {total})"


def _not_ok(found: Sequence[Rescored]) -> Iterator[str]:
    counts = Counter(one.score.status for one in found if one.score.status != "ok")
    if counts:
        parts = ", ".join(f"{status} {count}" for status, count in sorted(counts.items()))
        yield f"not ok: {parts}"
    if missing := sum(one.score.value is None for one in found):
        yield f"without a value, by no fault of the model's: {missing} of {len(found)} answers"


def _means(found: Sequence[Rescored]) -> list[float]:
    """The mean value of each sample's repeats, by sample id; samples without a value are absent."""
    by_sample: dict[str, list[float]] = {}
    for one in found:
        if one.score.value is not None:
            by_sample.setdefault(one.stored.sample_id, []).append(one.score.value)
    return [sum(repeats) / len(repeats) for _, repeats in sorted(by_sample.items())]


def _metrics(suite: Suite[Any], found: Sequence[Rescored]) -> dict[str, float]:
    return metrics_of(suite, ((one.stored.sample_id, one.score) for one in found))

"""Score answers that files hold, without an engine: `nca score`."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from eval_suites.grading.suite_rules import metrics_of, score_sample
from eval_suites.requests import Answer
from eval_suites.sandbox.checks import Outcome
from eval_suites.sandbox.runner import Sandbox
from eval_suites.scores import Score
from eval_suites.suite import Suite
from harness.errors import RunError
from harness.evaluate.answer_files.stored import Stored
from harness.evaluate.client.task import Answers
from harness.evaluate.judge.pooling import pooled, split_repeats
from harness.stats.intervals import mean_intervals


@dataclass(frozen=True, slots=True)
class Rescored:
    """A stored answer with its score and what the sandbox said."""

    stored: Stored
    score: Score
    outcomes: tuple[Outcome, ...]


def rescore(
    suite: Suite[Any],
    samples: Sequence[Any],
    stored: Sequence[Stored],
    *,
    unsafe: bool = False,
    told: Callable[[int], None] = lambda _: None,
) -> tuple[Rescored, ...]:
    """Check and score stored answers, by stored verdicts where the suite is judged.

    Args:
        suite: whose rules hold.
        samples: the suite's samples.
        stored: the answers, in the file's order.
        unsafe: run programs also where they cannot be contained.
        told: hears how many are done.

    Raises:
        RunError: an answer is to a sample that the suite does not have, or is not of as many turns
            as it asks. Nothing was run.
    """
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
    verdicts = [_verdicts(suite, known[item.sample_id], item) for item in stored]
    judged = max(map(len, verdicts), default=1)

    async def one(item: Stored, repeats: tuple[Answers, ...], box: Sandbox) -> Rescored:
        nonlocal done
        # Where nothing had to be asked, each repetition of the judge was as empty as the first.
        repeats = repeats if item.verdicts else repeats * judged
        scored = await _score(suite, known[item.sample_id], item, repeats, box)
        done += 1
        told(done)
        return scored

    async with sandbox as box:
        items = zip(stored, verdicts, strict=True)
        return tuple(await asyncio.gather(*(one(item, repeats, box) for item, repeats in items)))


def _verdicts(suite: Suite[Any], sample: Any, item: Stored) -> tuple[Answers, ...]:
    """Return the verdicts on an answer by repetition of the judge."""
    return split_repeats(lambda replies: suite.judge(sample, item.answers, replies), item.verdicts)


async def _score(
    suite: Suite[Any], sample: Any, item: Stored, repeats: Sequence[Answers], box: Sandbox
) -> Rescored:
    if item.lost is not None and _asked(suite, sample, item.answers) != len(item.answers):
        return Rescored(item, item.lost, ())
    outcomes = tuple([await box.run(check) for check in suite.checks(sample, item.answers)])
    scores = [score_sample(suite, sample, item.answers, verdicts, outcomes) for verdicts in repeats]
    return Rescored(item, pooled(scores), outcomes)


def record(
    suite: Suite[Any], found: Sequence[Rescored], *, allow_missing: bool = False
) -> dict[str, Any]:
    """One model's part of what `--json` writes: metrics, and samples by id and repeat.

    Without `allow_missing` the headline is None where an answer has no value, and metrics that
    share its fate are left out, as on the screen.
    """
    ordered = sorted(found, key=lambda one: (one.stored.sample_id, one.stored.repeat))
    held = _missing(found) > 0 and not allow_missing
    return {
        "metrics": ({suite.headline: None} if held else {}) | _shown(suite, ordered, held=held),
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


def lines(
    suite: Suite[Any],
    name: str,
    found: Sequence[Rescored],
    total: int,
    *,
    allow_missing: bool = False,
) -> Iterator[str]:
    """A model's metrics and statuses in words, the headline first.

    The headline is the mean over samples (each sample's repeats averaged), with its 95 % interval.

    Args:
        suite: whose rules held.
        name: the model's.
        found: its scored answers.
        total: samples of the suite.
        allow_missing: show it though answers have no value, with what it might have been.
    """
    there = len({one.stored.sample_id for one in found})
    held = _missing(found) > 0 and not allow_missing
    yield f"{name} on {suite.name}: {there} of {total} samples, answers: {len(found)}"
    yield f"{suite.headline}: {_withheld(found) if held else _headline(suite, found, total)}"
    yield from (
        f"{metric}: {value:.4f}"
        for metric, value in _shown(suite, found, held=held).items()
        if metric != suite.headline
    )
    yield from _not_ok(found)
    tiers = sorted({outcome.tier for one in found for outcome in one.outcomes} - {"A", "call"})
    yield from (f"programs were contained on tier {tier}, not A" for tier in tiers)


def _withheld(found: Sequence[Rescored]) -> str:
    return (
        f"missing, for {_missing(found)} of {len(found)} answers have no value "
        "(--allow-missing shows the others, and what all might be)"
    )


def _headline(suite: Suite[Any], found: Sequence[Rescored], total: int) -> str:
    values = _means(found)
    if not values:
        return f"no value (n = 0 of {total})"
    (interval,) = mean_intervals([values], 0)
    around = f"{interval.low:.4f} to {interval.high:.4f}" if interval else "cannot be estimated"
    bounds = _bounds(suite, found) if _missing(found) else ""
    mean = sum(values) / len(values)
    return f"{mean:.4f}, 95 % interval {around} (n = {len(values)} of {total}{bounds})"


def _bounds(suite: Suite[Any], found: Sequence[Rescored]) -> str:
    """What the mean is if every missing value is the worst, or the best, that there can be."""
    low, high = (
        sum(_means([replace(one, score=_valued(one.score, value)) for one in found]))
        / len({one.stored.sample_id for one in found})
        for value in suite.metrics.bounds
    )
    return f"; between {low:.4f} and {high:.4f} whatever the missing ones are"


def _valued(score: Score, value: float) -> Score:
    return replace(score, value=value) if score.value is None else score


def _missing(found: Sequence[Rescored]) -> int:
    return sum(one.score.value is None for one in found)


def _shown(suite: Suite[Any], found: Sequence[Rescored], *, held: bool) -> dict[str, float]:
    """The metrics; where the headline is withheld, those that do not depend on missing values.

    Upstream's own drop what upstream drops; others stand if every answer has them.
    """
    metrics = _metrics(suite, found)
    if not held:
        return metrics
    return {
        name: value
        for name, value in metrics.items()
        if name.startswith("official") or all(name in one.score.metrics for one in found)
    }


def _not_ok(found: Sequence[Rescored]) -> Iterator[str]:
    counts = Counter(one.score.status for one in found if one.score.status != "ok")
    if counts:
        parts = ", ".join(f"{status} {count}" for status, count in sorted(counts.items()))
        yield f"not ok: {parts}"
    if missing := _missing(found):
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

"""Score answers that files hold, without an engine: `nca score`."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean
from typing import Any

from eval_suites.grading.suite_rules import metrics_of, score_sample
from eval_suites.sandbox.checks import Outcome
from eval_suites.sandbox.runner import Sandbox
from eval_suites.scores import Score
from eval_suites.suite import Answers, Suite
from harness.errors import RunError
from harness.evaluate.answer_files.stored import Stored
from harness.evaluate.judge.judge import count_asked, pooled, split_repeats
from harness.stats.intervals import mean_intervals


@dataclass(frozen=True, slots=True)
class Rescored:
    """A stored answer with its score and the outcomes of the sandbox."""

    stored: Stored
    score: Score
    outcomes: tuple[Outcome, ...]


def rescore(
    suite: Suite[Any],
    samples: Sequence[Any],
    stored: Sequence[Stored],
    *,
    unsafe: bool = False,
    on_progress: Callable[[int], None] = lambda _: None,
) -> tuple[Rescored, ...]:
    """Check and score stored answers, by stored verdicts where the suite is judged.

    `unsafe` runs programs also where they cannot be contained; `on_progress` hears how many answers
    are done.

    Raises:
        RunError: an answer is to a sample that the suite does not have, or is not of as many turns
            as it asks. Nothing was run.
    """
    refuse_unfit(suite, samples, stored)
    by_id = {sample.id: sample for sample in samples}
    return asyncio.run(_rescore(suite, by_id, stored, Sandbox(unsafe=unsafe), on_progress))


def refuse_unfit(suite: Suite[Any], samples: Sequence[Any], stored: Sequence[Stored]) -> None:
    """Refuse answers that the suite did not ask for.

    Raises:
        RunError: one is to a sample that the suite does not have, or of another number of turns.
    """
    by_id = {sample.id: sample for sample in samples}
    for answer in stored:
        if answer.sample_id not in by_id:
            like = f" (its ids are like {next(iter(by_id))!r})" if by_id else ""
            raise RunError(
                f"{answer.where}: suite {suite.name} has no sample {answer.sample_id!r}{like}: "
                "name the right suite, or mend the id"
            )
        given = len(answer.answers)
        expected = count_asked(partial(suite.ask, by_id[answer.sample_id]), answer.answers)
        if expected != given and answer.lost is None:
            least = "at least " * (expected > given)
            raise RunError(
                f"{answer.where}: texts given: {given}, but suite {suite.name} asks for "
                f"{least}{expected}: give the texts of all turns of one answer, another answer on "
                "a line of its own"
            )


async def _rescore(
    suite: Suite[Any],
    by_id: Mapping[str, Any],
    stored: Sequence[Stored],
    sandbox: Sandbox,
    on_progress: Callable[[int], None],
) -> tuple[Rescored, ...]:
    done = itertools.count(1)
    verdicts = [
        split_repeats(partial(suite.judge, by_id[item.sample_id], item.answers), item.verdicts)
        for item in stored
    ]
    judged = max(map(len, verdicts), default=1)

    async def score(item: Stored, repeats: tuple[Answers, ...]) -> Rescored:
        sample = by_id[item.sample_id]
        asked_for = count_asked(partial(suite.ask, sample), item.answers)
        if item.lost is not None and asked_for != len(item.answers):
            scored = Rescored(item, item.lost, ())
        else:
            outcomes = tuple([await box.run(check) for check in suite.checks(sample, item.answers)])
            # Where nothing had to be asked, each repetition of the judge was as empty as the first.
            repeats = repeats if item.verdicts else repeats * judged
            scores = [score_sample(suite, sample, item.answers, r, outcomes) for r in repeats]
            scored = Rescored(item, pooled(scores), outcomes)
        on_progress(next(done))
        return scored

    async with sandbox as box:
        return tuple(await asyncio.gather(*map(score, stored, verdicts)))


def record(
    suite: Suite[Any], rescored: Sequence[Rescored], *, allow_missing: bool = False
) -> dict[str, Any]:
    """Return one model's part of what `--json` writes: metrics, and samples by id and repeat.

    Without `allow_missing` the headline is None where an answer has no value, and metrics that
    share its fate are left out, as on the screen.
    """
    ordered = sorted(rescored, key=lambda answer: (answer.stored.sample_id, answer.stored.repeat))
    held = _missing(rescored) > 0 and not allow_missing
    return {
        "metrics": ({suite.headline: None} if held else {}) | _shown(suite, ordered, held=held),
        "samples": [
            {
                "sample_id": answer.stored.sample_id,
                "repeat": answer.stored.repeat,
                "extracted": answer.score.extracted,
                "value": answer.score.value,
                "status": answer.score.status,
                "reason": answer.score.reason,
                "metrics": dict(answer.score.metrics),
            }
            for answer in ordered
        ],
    }


def lines(
    suite: Suite[Any],
    name: str,
    rescored: Sequence[Rescored],
    total: int,
    *,
    allow_missing: bool = False,
) -> Iterator[str]:
    """Yield a model's metrics and statuses in words, the headline first.

    The headline is the mean over samples (each sample's repeats averaged), with its 95 % interval;
    of `total` samples that the suite has. Where answers have no value, it is shown only if
    `allow_missing` is set, with what it might have been.
    """
    there = len({answer.stored.sample_id for answer in rescored})
    missing = _missing(rescored)
    held = missing > 0 and not allow_missing
    yield f"{name} on {suite.name}: {there} of {total} samples, answers: {len(rescored)}"
    yield f"{suite.headline}: {_headline(suite, rescored, total, held=held)}"
    yield from (
        f"{metric}: {value:.4f}"
        for metric, value in _shown(suite, rescored, held=held).items()
        if metric != suite.headline
    )
    statuses = sorted(answer.score.status for answer in rescored if answer.score.status != "ok")
    if statuses:
        counts = (f"{status} {count}" for status, count in Counter(statuses).items())
        yield f"not ok: {', '.join(counts)}"
    if missing:
        yield f"without a value, by no fault of the model's: {missing} of {len(rescored)} answers"
    tiers = {outcome.tier for answer in rescored for outcome in answer.outcomes} - {"A", "call"}
    yield from (f"programs were contained on tier {tier}, not A" for tier in sorted(tiers))


def _headline(suite: Suite[Any], rescored: Sequence[Rescored], total: int, *, held: bool) -> str:
    missing = _missing(rescored)
    if held:
        return (
            f"missing, for {missing} of {len(rescored)} answers have no value "
            "(--allow-missing shows the others, and what all might be)"
        )
    values = _means(rescored)
    if not values:
        return f"no value (n = 0 of {total})"
    (interval,) = mean_intervals([values], 0)
    around = f"{interval.low:.4f} to {interval.high:.4f}" if interval else "cannot be estimated"
    bounds = ""
    if missing:
        low, high = (fmean(_means(rescored, bound)) for bound in suite.metrics.bounds)
        bounds = f"; between {low:.4f} and {high:.4f} whatever the missing ones are"
    return f"{fmean(values):.4f}, 95 % interval {around} (n = {len(values)} of {total}{bounds})"


def _missing(rescored: Sequence[Rescored]) -> int:
    return sum(answer.score.value is None for answer in rescored)


def _shown(suite: Suite[Any], rescored: Sequence[Rescored], *, held: bool) -> dict[str, float]:
    """Return the metrics; without the headline only those that no missing value changes.

    Upstream's own drop what upstream drops; others stand if every answer has them.
    """
    metrics = metrics_of(suite, ((answer.stored.sample_id, answer.score) for answer in rescored))
    return {
        name: value
        for name, value in metrics.items()
        if not held
        or name.startswith("official")
        or all(name in answer.score.metrics for answer in rescored)
    }


def _means(rescored: Sequence[Rescored], instead: float | None = None) -> list[float]:
    """Return each sample's mean value; a missing one is `instead`, or left out if that is None."""
    by_sample: dict[str, list[float]] = {}
    for answer in rescored:
        value = instead if answer.score.value is None else answer.score.value
        if value is not None:
            by_sample.setdefault(answer.stored.sample_id, []).append(value)
    return [fmean(repeats) for _, repeats in sorted(by_sample.items())]

"""Where an evaluation stands: counted at once, told a few times a second, no end lost."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from harness.evaluate.client.cached_client import Tally
from harness.evaluate.loop.evaluation_progress import (
    EvaluationProgress,
    Stopwatch,
    report_regularly,
)
from harness.progress.throughput import Pair

KEY = ("gsm8k", "nca")


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def make_progress(
    *pairs: Pair, clock: Clock | None = None
) -> tuple[EvaluationProgress, list[Mapping[str, Any]]]:
    heard: list[Mapping[str, Any]] = []
    progress = EvaluationProgress(heard.append, pairs or [Pair(*KEY, 3)])
    progress.stopwatch = Stopwatch(clock or Clock())
    return progress, heard


def test_a_watch_runs_only_while_an_engine_is_ready() -> None:
    clock = Clock()
    watch = Stopwatch(clock)
    clock.now += 60  # the engine starts
    watch.run()
    clock.now += 5
    watch.run()  # a second engine (a judge) is ready: no second count
    clock.now += 5
    watch.stop()
    clock.now += 30  # it is started again
    assert watch.seconds == 10
    watch.run()
    clock.now += 1
    assert watch.seconds == 11


def test_statuses_are_counted_by_whose_fault_they_are() -> None:
    now, heard = make_progress(Pair(*KEY, 10))
    now.begin(KEY)
    for status in ("ok", "truncated", "empty", "unparsed", "timeout", "overflow"):
        now.add(KEY, [status], Tally(asked=1, tokens=7))
    for status in ("infra", "judge_missing", "ungraded", "filtered"):
        now.add(KEY, [status], Tally(reused=1))

    now.tell()

    (pair,) = heard[-1]["pairs"]
    assert (pair["done"], pair["not_ok"], pair["lost"]) == (10, 5, 4)
    assert (pair["generated"], pair["tokens"]) == (6, 42)


def test_seconds_of_a_pair_run_from_its_first_sample_and_skip_engine_starts() -> None:
    clock = Clock()
    now, heard = make_progress(clock=clock)
    now.stopwatch.run()
    clock.now += 50  # another pair runs
    now.begin(KEY)
    now.stopwatch.stop()
    clock.now += 60  # the engine is started again
    now.stopwatch.run()
    clock.now += 4
    now.add(KEY, ["ok"], Tally(asked=1, tokens=8))

    now.tell()

    assert heard[-1]["pairs"][0]["seconds"] == 4
    assert heard[-1]["seconds"] == 54


def test_repeats_of_a_sample_are_counted_each_and_journalled_ones_apart() -> None:
    now, heard = make_progress(Pair(*KEY, 8))
    now.begin(KEY)
    now.add(KEY, ["ok"] * 3 + ["empty"], Tally(asked=1, reused=3, tokens=9))  # one is new
    now.add(KEY, ["ok"] * 4, Tally(asked=4, reused=4))  # two turns, the first of them known

    now.tell()

    (pair,) = heard[-1]["pairs"]
    assert (pair["done"], pair["generated"], pair["not_ok"]) == (8, 1 + 2, 1)


def test_only_what_changed_is_told_after_the_first_time() -> None:
    now, heard = make_progress(Pair("a", "x", 1), Pair("b", "x", 1))
    now.tell()
    now.begin(("b", "x"))
    now.tell()
    now.tell()

    assert [[pair["suite"] for pair in event["pairs"]] for event in heard] == [["a", "b"], ["b"]]


def test_however_fast_samples_come_every_end_is_told_in_few_events() -> None:
    pairs = [Pair(f"s{i}", "x", 50) for i in range(64)]
    now, heard = make_progress(*pairs)

    async def all_at_once() -> None:
        async with report_regularly(now, every_s=3600):
            await asyncio.sleep(0)
            for pair in pairs:
                now.begin(pair.key)
                for _ in range(pair.total):
                    now.add(pair.key, ["ok"], Tally(reused=1))

    asyncio.run(all_at_once())

    last = {pair["suite"]: pair["done"] for event in heard for pair in event["pairs"]}
    assert last == {pair.suite: 50 for pair in pairs}
    assert len(heard) == 2  # one at the beginning, one at the end: the beat never came


def test_what_was_done_is_told_also_when_the_work_fails() -> None:
    now, heard = make_progress()

    async def fails() -> None:
        async with report_regularly(now, every_s=3600):
            now.begin(KEY)
            now.add(KEY, ["ok"], Tally(asked=1))
            raise ValueError("no engine")

    with pytest.raises(ValueError, match="no engine"):
        asyncio.run(fails())

    assert heard[-1]["pairs"][0]["done"] == 1

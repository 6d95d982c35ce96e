"""Speed and time left: on what was generated, whatever came from the journal."""

from dataclasses import asdict
from typing import Any

import pytest

from harness.progress.throughput import EvaluationProgress, Pair, phase_after


def event(seconds: float, *pairs: Pair) -> dict[str, Any]:
    return {"event": "evaluating", "seconds": seconds, "pairs": [asdict(pair) for pair in pairs]}


def pair(suite: str = "gsm8k", checkpoint: str = "nca", total: int = 100, **counts: Any) -> Pair:
    return Pair(suite, checkpoint, total, begun=True, **counts)


def test_answers_from_the_journal_are_no_speed() -> None:
    """80 of 100 came at once; 5 that were generated took 10 s, so the 15 left take 30."""
    half = pair(done=85, generated=5, tokens=500, seconds=10.0)

    progress = EvaluationProgress().after(event(10.0, half))

    assert (progress.left, half.left) == (30.0, 30.0)
    assert (progress.rate, half.rate) == (50.0, 50.0)


def test_before_anything_is_generated_nothing_is_known() -> None:
    replayed = pair(done=60)

    for seconds in (0.0, 20.0):
        progress = EvaluationProgress().after(event(seconds, replayed))
        assert (progress.rate, progress.left) == (None, None)
    assert (replayed.rate, replayed.left) == (None, None)


def test_all_done_leaves_no_time_also_where_nothing_was_generated() -> None:
    assert EvaluationProgress().after(event(0.0, pair(done=100))).left == 0.0


def test_samples_of_a_suite_weigh_what_its_answers_are_long() -> None:
    """10 answers of 10 tokens and 10 of 90 in 100 s: 10 tokens a second.

    Left are 10 x 10 + 10 x 90 = 1,000 tokens: 100 s.
    """
    short = pair("arithmetic", total=20, done=10, generated=10, tokens=100, seconds=100.0)
    long = pair("math", total=20, done=10, generated=10, tokens=900, seconds=100.0)

    assert EvaluationProgress().after(event(100.0, short, long)).left == pytest.approx(100.0)


def test_a_suite_without_an_answer_yet_weighs_like_the_mean() -> None:
    """20 answers of 50 tokens on average in 100 s; 20 more of an unknown suite: 100 s."""
    known = pair("math", total=20, done=20, generated=20, tokens=1000, seconds=100.0)
    unknown = Pair("bbh", "nca", 20)

    assert EvaluationProgress().after(event(100.0, known, unknown)).left == pytest.approx(100.0)


def test_where_no_engine_counts_tokens_samples_count() -> None:
    some = pair("math", total=40, done=10, generated=10, seconds=5.0)

    progress = EvaluationProgress().after(event(5.0, some, Pair("bbh", "nca", 10)))

    assert (progress.left, progress.rate) == (pytest.approx(20.0), None)


def test_an_event_replaces_the_pairs_that_it_names_and_keeps_order() -> None:
    first, second = Pair("a", "x", 5), Pair("b", "x", 5)
    progress = EvaluationProgress().after(event(0.0, first, second))

    later = progress.after(event(3.0, pair("a", "x", 5, done=4)))

    assert list(later.pairs) == [("a", "x"), ("b", "x")]
    assert (later.done, later.total, later.seconds) == (4, 10, 3.0)
    assert progress.done == 0


def test_a_phase_is_timed_from_where_it_was_first_heard_of() -> None:
    """Resumed at step 50 of 100: ten more in 20 s, so 40 take 80 s."""
    phase = phase_after(None, {"done": 50, "total": 100}, now=7.0)
    assert phase.left(7.0) is None

    phase = phase_after(phase, {"done": 60, "total": 100}, now=27.0)

    assert phase.left(27.0) == pytest.approx(80.0)


def test_a_phase_that_counts_from_the_front_again_is_timed_anew() -> None:
    old = phase_after(None, {"done": 4, "total": 5}, now=0.0)

    again = phase_after(old, {"done": 1, "total": 5}, now=9.0)

    assert (again.began, again.first) == (9.0, 1)

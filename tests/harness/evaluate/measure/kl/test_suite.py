from math import inf

import pytest

from eval_suites import registry
from eval_suites.errors import UnknownSuiteError
from eval_suites.requests import Answer
from harness.evaluate.suites.library import find
from harness.evaluate.suites.measured import KL, any_measured, kl_suite

ARITHMETIC = registry.find("arithmetic")


def test_answers_are_draws_from_the_policy_whatever_the_job_asks_for() -> None:
    suite = find("kl:arithmetic").with_decoding(temperature=0.2, top_p=0.5, max_tokens=9)
    (request,) = suite.ask(suite.load(None)[0], ())
    decoding = request.decoding
    assert (decoding.temperature, decoding.top_p, decoding.stop) == (1.0, 1.0, ())
    assert decoding.max_tokens == suite.sampling.decoding.max_tokens == 9


def test_it_asks_what_the_suite_asks_first_and_once() -> None:
    suite = kl_suite(ARITHMETIC)
    sample = suite.load(None)[0]
    (request,), (original,) = suite.ask(sample, ()), ARITHMETIC.ask(sample, ())
    assert request.messages == original.messages
    assert suite.ask(sample, (Answer("4"),)) == ()


def test_without_its_measurement_an_answer_has_no_value() -> None:
    suite = kl_suite(ARITHMETIC)
    sample = suite.load(None)[0]
    assert suite.score(sample, (Answer("4"),), (), ()).value is None
    assert suite.score(sample, (Answer("4", "length"),), (), ()).status == "truncated"


@pytest.mark.parametrize("name", ["kl", "kl:", "kl:arithmatic", "arithmatic"])
def test_an_unknown_name_is_answered_with_known_ones(name: str) -> None:
    with pytest.raises(UnknownSuiteError, match="did you mean"):
        find(name)


def test_a_draw_may_be_less_likely_under_the_policy_and_a_distance_is_no_percentage() -> None:
    assert find("kl:arithmetic").metrics.bounds == (-inf, inf)


def test_any_measured() -> None:
    assert any_measured(KL, ["arithmetic", "kl:arithmetic"])
    assert not any_measured(KL, ["arithmetic", "klondike"])

"""Finding suites by name, and the contract that every suite keeps."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import eval_suites
from eval_suites import SUITES, DataError, UnknownSuiteError, find
from eval_suites.scoring import settle
from eval_suites.suite import Answer, Suite


def test_every_suite_is_found_by_its_own_name() -> None:
    assert {name: find(name).name for name in SUITES} == {name: name for name in SUITES}


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownSuiteError, match=r"'gsm8'.*did you mean gsm8k"):
        find("gsm8")
    with pytest.raises(UnknownSuiteError, match="did you mean arithmetic or "):
        find("zzzz")


def test_every_exported_name_exists() -> None:
    assert all(hasattr(eval_suites, name) for name in eval_suites.__all__)


def loaded(suite: Suite[Any], folder: Path) -> Sequence[Any]:
    """The suite's samples; skips where the data folder lacks its file."""
    try:
        return suite.load(folder)
    except DataError as error:
        if "is missing: " not in str(error):
            raise
        pytest.skip(str(error))


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_keeps_the_contract(name: str, data_dir: Path) -> None:
    suite = find(name)
    samples = loaded(suite, data_dir)
    assert len({sample.id for sample in samples}) == len(samples) > 0
    requests = suite.ask(samples[0], ())
    assert requests
    assert all(bool(one.messages) != (one.text is not None) for one in requests)
    assert all(one.decoding == suite.decoding for one in requests)
    assert suite.ask(samples[0], (Answer("x"),)) == ()
    with pytest.raises(dataclasses.FrozenInstanceError):
        suite.name = "other"


@pytest.mark.parametrize("name", SUITES)
@pytest.mark.parametrize(
    ("answer", "status", "value"),
    [
        (Answer("", "stop"), "empty", 0.0),
        (Answer(" \n", "stop"), "empty", 0.0),
        (Answer("", "overflow"), "overflow", 0.0),
        (Answer("42", "filtered"), "filtered", None),
    ],
)
def test_an_answer_that_is_none_has_a_status_and_no_check(
    name: str, answer: Answer, status: str, value: float | None, data_dir: Path
) -> None:
    suite = find(name)
    sample = loaded(suite, data_dir)[0]
    assert suite.checks(sample, (answer,)) == ()
    score = settle(suite, sample, (answer,))
    assert (score.status, score.value) == (status, value)
    assert (suite.headline in score.metrics) == (value is not None)

"""The contract of every suite: prompt, completions, files, faults of files, and metrics."""

import dataclasses
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from eval_suites.errors import DataError
from eval_suites.grading.suite_rules import metrics_of, score_sample
from eval_suites.registry import SUITES, find
from eval_suites.requests import Answer
from eval_suites.suite import Answers
from tests.suite_cases.cases import Completions, Row, SuiteCases, all_cases

CASES = {name: cases for cases in all_cases() for name in cases.suites}
COMPLETIONS = [
    pytest.param(name, table, row, id=f"{name}-{table.sample.id}-{number}")
    for name, cases in CASES.items()
    for table in cases.completions
    for number, row in enumerate(table.rows)
]
MALFORMED = [
    pytest.param(name, *fault, id=f"{name}-{number}")
    for name, cases in CASES.items()
    for number, fault in enumerate(cases.malformed)
]


def answers_of(cases: SuiteCases, answer: Answer) -> Answers:
    """Return the answer for each turn of the cases' sample."""
    suite, answers = find(cases.suites[0]), (answer,)
    while suite.ask(cases.sample, answers):
        answers += (answer,)
    return answers


def test_every_suite_has_cases_and_the_tables_are_long_enough() -> None:
    assert set(CASES) == set(SUITES)
    for name, cases in CASES.items():
        unjudged = find(name).judging is None and not find(name).programs
        assert not unjudged or sum(len(table.rows) for table in cases.completions) >= 15, name
        assert bool(cases.files) != name.startswith("arithmetic")


@pytest.mark.parametrize("name", SUITES)
def test_golden_prompt(name: str) -> None:
    suite, cases = find(name), CASES[name]
    assert suite.ask(cases.sample, ()) == (cases.prompt,)
    assert cases.prompt.decoding == suite.sampling.decoding
    assert ("tokens" in suite.sampling.needs) == (cases.prompt.text is not None)
    assert ("prefix" in suite.sampling.needs) == bool(cases.prompt.prefix)
    assert suite.ask(cases.sample, answers_of(cases, Answer("x"))) == ()
    with pytest.raises(dataclasses.FrozenInstanceError):
        suite.name = "other"


@pytest.mark.parametrize(("name", "table", "row"), COMPLETIONS)
def test_a_completion_gets_its_score(name: str, table: Completions, row: Row) -> None:
    text, finish, extracted, *values, status = row
    score = score_sample(find(name), table.sample, (Answer(text, finish),))
    assert (score.extracted, score.value, score.status) == (extracted, values[0], status)
    expected = dict(zip(table.metrics, values, strict=True))
    assert score.metrics == expected | dict.fromkeys(table.subsets, values[0])


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
    name: str, answer: Answer, status: str, value: float | None
) -> None:
    suite, cases = find(name), CASES[name]
    answers = answers_of(cases, answer)
    assert suite.checks(cases.sample, answers) == ()
    score = score_sample(suite, cases.sample, answers)
    if suite.judging is not None and status != "filtered":
        status, value = "judge_missing", None  # there is no verdict on it
    assert (score.status, score.value) == (status, value)
    assert (suite.headline in score.metrics) == (value is not None)


@pytest.mark.parametrize("name", SUITES)
def test_files_are_read(name: str, tmp_path: Path) -> None:
    cases = CASES[name]
    samples = find(name).load(cases.write(tmp_path))
    assert len({sample.id for sample in samples}) == len(samples) or name.startswith("theoremqa")
    if cases.files:
        assert tuple(samples) == tuple(cases.samples)
        golds = [type(getattr(sample, "gold", "")) for sample in samples]
        assert golds == [type(getattr(sample, "gold", "")) for sample in cases.samples]


@pytest.mark.parametrize("name", [name for name in SUITES if CASES[name].files])
def test_a_missing_file_or_folder_is_named_with_the_remedy(name: str, tmp_path: Path) -> None:
    suite, cases = find(name), CASES[name]
    for folder in (None, tmp_path, tmp_path / "absent"):
        with pytest.raises(DataError, match="--data-dir or NCA_DATA_DIR"):
            suite.load(folder)
    for path in cases.files:
        (cases.write(tmp_path) / path).unlink()
        with pytest.raises(DataError, match=rf"{re.escape(path)} is missing: .*--data-dir"):
            suite.load(tmp_path)


@pytest.mark.parametrize(("name", "path", "text", "message"), MALFORMED)
def test_a_malformed_file_is_named_with_the_remedy(
    name: str, path: str, text: str, message: str, tmp_path: Path
) -> None:
    folder = CASES[name].write(tmp_path, **{path: text})
    with pytest.raises(DataError, match=rf"{re.escape(path)}.*{message}.*nca data fetch"):
        find(name).load(folder)


@pytest.mark.parametrize("name", SUITES)
def test_metrics_are_what_follows_by_hand(name: str) -> None:
    suite: Any = find(name)
    assert CASES[name].aggregations
    for aggregation in CASES[name].aggregations:
        scored = [
            (repeat.id, score_sample(suite, repeat.sample, *_given(repeat)))
            for repeat in aggregation.scored
        ]
        assert metrics_of(suite, scored) == pytest.approx(aggregation.metrics)


def _given(repeat: Any) -> tuple[Any, ...]:
    return repeat.answers, repeat.verdicts, repeat.outcomes


@pytest.mark.parametrize("name", SUITES)
def test_the_real_files_have_samples_with_ids_of_their_own(name: str, data_dir: Path) -> None:
    try:
        samples = find(name).load(data_dir)
    except DataError as error:
        if "is missing: " not in str(error):
            raise
        pytest.skip(str(error))
    assert len({sample.id for sample in samples}) == len(samples) > 0
    field, counts = CASES[name].parts
    assert not field or Counter(getattr(sample, field) for sample in samples) == counts


@pytest.mark.parametrize("name", [name for name in SUITES if find(name).judging is not None])
def test_a_judged_suite_asks_a_judge_and_asks_again_once(name: str) -> None:
    suite, cases = find(name), CASES[name]
    answers = answers_of(cases, Answer("x"))
    requests = suite.judge(cases.sample, answers, ())
    assert requests
    assert all(request.messages and request.text is None for request in requests)
    assert all(request.messages[0].role == "system" for request in requests)
    assert all("x" in request.messages[-1].content for request in requests)
    replies: Answers = ()
    for _ in range(8):  # the most turns of a judge
        new = suite.judge(cases.sample, answers, replies)
        replies += tuple(Answer("I have no verdict.") for _ in new)
    assert suite.judge(cases.sample, answers, replies) == ()
    assert len(replies) <= 2 * len(requests)
    score = score_sample(suite, cases.sample, answers, replies)
    assert (score.value, score.status) == (None, "judge_missing")
    assert score.reason
    low, high = suite.metrics.bounds
    assert low < high

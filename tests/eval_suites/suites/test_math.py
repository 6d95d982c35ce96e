"""MATH and its two relatives: what is asked, and what verdict an answer gets."""

import asyncio
import gzip
import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from eval_suites.grading.suite_rules import score_sample
from eval_suites.registry import find
from eval_suites.requests import Answer
from eval_suites.sandbox.checks import Outcome
from eval_suites.sandbox.runner import Sandbox
from eval_suites.scores import Score
from eval_suites.suites.math import EXAMPLES_FILE, FILE_500, TEST_FILE, Sample
from tests.suite_cases.math import SAMPLE


def test_what_rules_cannot_decide_is_checked() -> None:
    suite = find("math")
    answer = (Answer(r"\boxed{\sqrt{1369/4}}"),)
    assert len(suite.checks(SAMPLE, answer)) == 1
    for outcome, value, status in (
        (Outcome("pass", value=True), 1.0, "ok"),
        (Outcome("pass", value=False), 0.0, "ok"),
        (Outcome("timeout", "used 2 s"), None, "ungraded"),
        (Outcome("infra", "lost"), None, "infra"),
    ):
        given = score_sample(suite, SAMPLE, answer, (), (outcome,))
        assert (given.value, given.status) == (value, status)
    assert suite.checks(SAMPLE, (Answer(r"\boxed{18}"),)) == ()
    assert suite.checks(SAMPLE, (Answer(r"\boxed{\sqrt{9}}", "filtered"),)) == ()


def test_the_four_examples_come_before_the_problem(data_dir: Path) -> None:
    suite = find("math:minerva4")
    sample = suite.load(data_dir)[0]
    (request,) = suite.ask(sample, ())
    assert request.text is not None
    examples = json.loads((data_dir / EXAMPLES_FILE).read_text())
    blocks = request.text.split("Problem:\n")[1:]
    assert blocks == [
        *(f"{one['problem']}\n\nSolution: {one['solution']}\n\n" for one in examples),
        f"{sample.question}\n\nSolution:",
    ]
    assert len(examples) == 4


def solutions(folder: Path, name: str) -> list[str]:
    with gzip.open(folder / name, "rt", encoding="utf-8") as file:
        return [json.loads(line)["solution"] for line in file]


def scores_of(name: str, samples: Sequence[Sample], texts: Sequence[str]) -> list[Score]:
    """Each text's score, with its checks run in one sandbox."""
    suite = find(name)

    async def one(box: Sandbox, sample: Sample, text: str) -> Score:
        answers = (Answer(text),)
        checks = suite.checks(sample, answers)
        return score_sample(
            suite, sample, answers, (), tuple([await box.run(each) for each in checks])
        )

    async def run() -> list[Score]:
        async with Sandbox(workers=1) as box:
            pairs = zip(samples, texts, strict=True)
            return list(await asyncio.gather(*(one(box, *pair) for pair in pairs)))

    return asyncio.run(run())


#: The last digit belongs to a unit, as in cm^2; units do not count.
EQUAL_WHEN_CHANGED = {"526", "1863", "1901", "1958", "3647"}


@pytest.mark.parametrize(
    ("name", "file", "count"), [("math", TEST_FILE, 5000), ("math500", FILE_500, 500)]
)
def test_no_gold_solution_needs_a_check(name: str, file: str, count: int, data_dir: Path) -> None:
    suite = find(name)
    samples = suite.load(data_dir)
    answers = [(Answer(text),) for text in solutions(data_dir, file)]
    pairs = list(zip(samples, answers, strict=True))
    assert [int(one.id) for one in samples] == list(range(count))
    assert all(suite.checks(*pair) == () for pair in pairs)
    scores = [score_sample(suite, *pair) for pair in pairs]
    assert [one.status for one in scores] == ["ok"] * count
    counts = [
        sum(name in one.metrics for one in scores) for name in suite.metrics.aggregate(scores)
    ]
    assert sum(counts) == 4 * count


def test_solutions_with_several_boxes_take_all_of_them_or_the_last(data_dir: Path) -> None:
    suite = find("math")
    samples = {one.id: one for one in suite.load(data_dir) if one.gold != one.last.strip()}
    assert set(samples) == {"414", "2703", "2716", "2912", "3341", "3628", "4258", "4860"}
    values = [
        score_sample(suite, one, (Answer(f"\\boxed{{{text}}}"),)).value
        for one in samples.values()
        for text in (one.gold, one.last, f"{one.gold}, 77")
    ]
    assert values == [1.0, 1.0, 0.0] * 8


def test_every_gold_set_otherwise_is_right(data_dir: Path) -> None:
    suite = find("math")
    scores = [
        score_sample(suite, one, (Answer(f"\\boxed{{{_set_otherwise(one.last)}}}"),))
        for one in suite.load(data_dir)
    ]
    assert [score.value for score in scores] == [1.0] * 5000


def _set_otherwise(latex: str) -> str:
    """The same answer with larger or smaller brackets and fractions, dollar signs and a dot."""
    if r"\left" in latex:
        other = latex.replace(r"\left", "").replace(r"\right", "")
    else:
        other = latex.replace("(", r"\left( ").replace(")", r" \right )")
    return "$" + other.replace(r"\dfrac", r"\frac").replace(r"\frac", r"\dfrac") + "$."


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_gold_with_its_last_digit_changed_scores_zero(data_dir: Path) -> None:
    suite = find("math")
    samples = [one for one in suite.load(data_dir) if re.search("[0-9]", one.last)]
    assert len(samples) == 4912
    scores = scores_of("math", samples, [f"\\boxed{{{_changed(one.last)}}}" for one in samples])
    pairs = zip(samples, scores, strict=True)
    assert {one.id for one, given in pairs if given.value != 0.0} == EQUAL_WHEN_CHANGED


def _changed(latex: str) -> str:
    before, digit, behind = re.split("([0-9])(?=[^0-9]*$)", latex)
    return f"{before}{int(digit) % 9 + 1}{behind}"

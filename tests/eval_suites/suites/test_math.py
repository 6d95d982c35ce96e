"""MATH and its two relatives: what is asked, and what verdict an answer gets."""

import asyncio
import gzip
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from eval_suites.errors import DataError
from eval_suites.grading.suite_rules import score_sample
from eval_suites.registry import find
from eval_suites.requests import Answer, Decoding, FinishReason, Message
from eval_suites.sandbox.checks import Outcome
from eval_suites.sandbox.runner import Sandbox
from eval_suites.scores import Score
from eval_suites.suites.math import EXAMPLES_FILE, FILE_500, TEST_FILE, Sample

SAMPLE = Sample("0", "What is $9 + 9.5$?", r"\frac{37}{2}", r"\frac{37}{2}", "3", "prealgebra")
TEXT_SAMPLE = Sample(
    "0", "What is $9 + 9.5$?", r"\frac{37}{2}", r"\frac{37}{2}", "3", "prealgebra", "Examples\n\n"
)
CHAT = (
    "What is $9 + 9.5$?\n\n"
    "Reason step by step. Then give the final answer alone, in its simplest form, inside \\boxed{}."
)
TEXT = "Examples\n\nProblem:\nWhat is $9 + 9.5$?\n\nSolution:"


def score(
    text: str, finish: FinishReason = "stop", sample: Sample = SAMPLE, name: str = "math"
) -> Score:
    return score_sample(find(name), sample, (Answer(text, finish),))


def test_golden_chat_prompt() -> None:
    for name in ("math", "math500"):
        (request,) = find(name).ask(SAMPLE, ())
        assert request.messages == (Message("user", CHAT),)
        assert (request.text, request.prefix) == (None, "")
        assert request.decoding == Decoding(max_tokens=1024)


def test_golden_text_prompt() -> None:
    (request,) = find("math:minerva4").ask(TEXT_SAMPLE, ())
    assert (request.messages, request.text) == ((), TEXT)
    assert request.decoding == Decoding(max_tokens=1024, stop=("Problem:",))


# text, how it ended, extracted, accuracy, accuracy_minerva, status
VERDICTS: list[tuple[str, FinishReason, str | None, float, float, str]] = [
    (r"9 + 9.5 = \boxed{\frac{37}{2}}", "stop", r"\frac{37}{2}", 1, 1, "ok"),
    (r"\boxed{\dfrac{37}{2}}.", "stop", r"\dfrac{37}{2}", 1, 1, "ok"),
    (r"\boxed{18.5}", "stop", "18.5", 1, 0, "ok"),
    (r"\boxed{18\frac12}", "stop", r"18\frac12", 1, 0, "ok"),
    (r"\boxed{x = \frac{37}{2}}", "stop", r"x = \frac{37}{2}", 1, 1, "ok"),
    (r"\boxed{-18.5}", "stop", "-18.5", 0, 0, "ok"),
    (r"\boxed{1,850\%}", "stop", r"1,850\%", 0, 0, "ok"),
    (r"\boxed{18.5}, \boxed{19}", "stop", "18.5, 19", 0, 0, "ok"),
    (r"\boxed{19} is wrong, so it is \boxed{18.5}", "stop", "18.5", 1, 0, "ok"),
    (r"\boxed{19}, though 18.5 is near", "stop", "19", 0, 0, "ok"),
    ("so\n#### 18.5", "stop", "18.5", 1, 0, "ok"),
    ("The answer is $37/2$.", "stop", "37/2", 1, 0, "ok"),
    ("```\n18.5\n```\n```\nThe answer is 18.5\n```", "stop", "18.5", 1, 0, "ok"),
    ("We get $18.5$", "stop", "18.5", 1, 0, "ok"),
    ("There are 18.5", "stop", "18.5", 1, 0, "ok"),
    ("We get $18.5", "length", None, 0, 0, "truncated"),
    (r"so \boxed{18.5} and, by the way,", "length", "18.5", 1, 0, "truncated"),
    (r"so \boxed{\frac{37}{2}", "length", r"\frac{37}{2}", 1, 1, "truncated"),
    ("I cannot help with that.", "stop", None, 0, 0, "unparsed"),
    ("", "stop", None, 0, 0, "empty"),
]


@pytest.mark.parametrize("name", ["math", "math500"])
@pytest.mark.parametrize(("text", "finish", "extracted", "strict", "minerva", "status"), VERDICTS)
def test_verdicts(
    name: str,
    text: str,
    finish: FinishReason,
    extracted: str | None,
    strict: float,
    minerva: float,
    status: str,
) -> None:
    given = score(text, finish, name=name)
    assert (given.extracted, given.value, given.status) == (extracted, strict, status)
    assert given.metrics == {
        "accuracy": strict,
        "accuracy_minerva": minerva,
        "level_3/accuracy": strict,
        "prealgebra/accuracy": strict,
    }


_SENTENCE = "Final Answer: The final answer is ${}$. I hope it is correct."
# The same of a text model, whose `accuracy_minerva` reads only the closing sentence.
MINERVA_VERDICTS: list[tuple[str, FinishReason, str | None, float, float, str]] = [
    (_SENTENCE.replace("{}", r"\frac{37}{2}"), "stop", r"\frac{37}{2}", 1, 1, "ok"),
    (_SENTENCE.replace("{}", r"\dfrac{37}2"), "stop", r"\dfrac{37}2", 1, 0, "ok"),
    (_SENTENCE.replace("{}", "18.5"), "stop", "18.5", 1, 0, "ok"),
    (_SENTENCE.replace("{}", r"x=\frac{37}{2}"), "stop", r"x=\frac{37}{2}", 1, 1, "ok"),
    (_SENTENCE.replace("{}", "-18.5"), "stop", "-18.5", 0, 0, "ok"),
    (_SENTENCE.replace("{}", "18,5"), "stop", "18,5", 0, 0, "ok"),
    (_SENTENCE.replace("{}", "1{,}850"), "stop", "1{,}850", 0, 0, "ok"),
    (r"So \boxed{\frac{37}{2}}", "stop", r"\frac{37}{2}", 1, 0, "ok"),
    (r"\boxed{19} or \boxed{18.5}", "stop", "19, 18.5", 0, 0, "ok"),
    ("The final answer is $18.5$", "stop", "18.5", 1, 0, "ok"),
    ("```\n18\n```\n```\n18.5\n```", "stop", "18.5", 1, 0, "ok"),
    (f"{_SENTENCE.replace('{}', '19')} No: it is 18.5", "stop", "19", 0, 0, "ok"),
    ("Final Answer: The final answer is $18.5", "length", "$18.5", 1, 0, "truncated"),
    ("So 37 over", "length", None, 0, 0, "truncated"),
    ("I cannot help with that.", "stop", None, 0, 0, "unparsed"),
    ("", "stop", None, 0, 0, "empty"),
]


@pytest.mark.parametrize(
    ("text", "finish", "extracted", "strict", "minerva", "status"), MINERVA_VERDICTS
)
def test_verdicts_on_a_text_model(
    text: str,
    finish: FinishReason,
    extracted: str | None,
    strict: float,
    minerva: float,
    status: str,
) -> None:
    given = score(text, finish, TEXT_SAMPLE, "math:minerva4")
    assert (given.extracted, given.value, given.status) == (extracted, strict, status)
    metrics = given.metrics
    assert (metrics["accuracy"], metrics["accuracy_minerva"]) == (strict, minerva)


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


def test_what_a_text_model_makes_up_after_its_answer_does_not_count() -> None:
    text = (
        " Final Answer: The final answer is $\\frac{37}{2}$. I hope it is correct.\n\n"
        "Problem:\nx\n\nSolution: \\boxed{2}"
    )
    given = score_sample(find("math:minerva4"), TEXT_SAMPLE, (Answer(text),))
    assert (given.metrics["accuracy"], given.metrics["accuracy_minerva"]) == (1.0, 1.0)


def test_minervas_reading_of_a_text_model_needs_the_closing_sentence() -> None:
    given = score_sample(
        find("math:minerva4"), TEXT_SAMPLE, (Answer(r" It is \boxed{\frac{37}{2}}."),)
    )
    assert (given.metrics["accuracy"], given.metrics["accuracy_minerva"]) == (1.0, 0.0)


@pytest.mark.parametrize("name", ["math", "math500", "math:minerva4"])
def test_metrics_are_means_over_samples_by_level_and_subject(name: str) -> None:
    other = Sample("1", "x", "2", "2", "5", "number_theory")
    scores = [
        score(r"\boxed{\frac{37}{2}}"),
        score(r"\boxed{18.5}"),
        score("no"),
        score("2", sample=other),
        score("2", "filtered"),
    ]
    assert find(name).metrics.aggregate(scores) == {
        "accuracy": 3 / 4,
        "accuracy_minerva": 1 / 4,
        "level_3/accuracy": 2 / 3,
        "level_5/accuracy": 1.0,
        "number_theory/accuracy": 1.0,
        "prealgebra/accuracy": 2 / 3,
    }


GOOD = {"problem": "p", "solution": r"\boxed{1}", "type": "Algebra", "level": "Level 1"}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({**GOOD, "solution": "1"}, r"row 1: the solution has no \\boxed answer"),
        ({**GOOD, "level": "Level ?"}, "row 1: level '\\?' is not 1 to 5"),
        ({**GOOD, "type": None}, "row 1: 'type' is missing or no text"),
        ({"problem": "p"}, "row 1: 'solution' is missing"),
    ],
)
def test_a_broken_row_is_named(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    _write(tmp_path, [GOOD, row])
    with pytest.raises(DataError, match=message):
        find("math").load(tmp_path)


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"math500_test.* is missing"):
        find("math500").load(tmp_path)
    _write(tmp_path, [GOOD])
    with pytest.raises(DataError, match=r"fewshot_minerva_4shot.* is missing"):
        find("math:minerva4").load(tmp_path)
    (tmp_path / EXAMPLES_FILE).write_text('[{"problem": "p"}]')
    with pytest.raises(DataError, match="no list of problem and solution"):
        find("math:minerva4").load(tmp_path)


def _write(folder: Path, rows: list[dict[str, Any]]) -> None:
    (folder / "math").mkdir(exist_ok=True)
    with gzip.open(folder / TEST_FILE, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


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

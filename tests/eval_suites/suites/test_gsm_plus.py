"""GSM-Plus: what is asked, and what verdict an answer gets, with and without an answer to find."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from eval_suites.errors import DataError
from eval_suites.grading.suite_rules import score_sample
from eval_suites.problems.word_problems import Sample
from eval_suites.registry import find
from eval_suites.requests import Answer, Decoding, FinishReason, Message
from eval_suites.scores import Score

SUITE = find("gsm_plus:mini")
NAMES = ("gsm_plus", "gsm_plus:mini")
SAMPLE = Sample("0", "Kim has 0.5 pens and buys 9. How many?", "9.5", "digit_expansion")
UNANSWERABLE = Sample("1", "Kim has some pens and buys 9. How many?", "None", "critical_thinking")
CHAT = (
    "Kim has 0.5 pens and buys 9. How many?\n\n"
    "Work through the problem step by step. Then give the final number alone inside \\boxed{}."
)
ROW = {"question": "q", "answer": "3", "perturbation_type": "digit expansion"}


def score(
    text: str, finish: FinishReason = "stop", sample: Sample = SAMPLE, name: str = SUITE.name
) -> Score:
    return score_sample(find(name), sample, (Answer(text, finish),))


def test_golden_chat_prompt() -> None:
    for name in NAMES:
        (request,) = find(name).ask(SAMPLE, ())
        assert request.messages == (Message("user", CHAT),)
        assert request.decoding == Decoding(max_tokens=512)


# text, how it ended, extracted, accuracy, accuracy_flexible, status
VERDICTS: list[tuple[str, FinishReason, str | None, float, float, str]] = [
    (r"0.5 + 9 = \boxed{9.5}", "stop", "9.5", 1, 1, "ok"),
    (r"\boxed{19/2}", "stop", "19/2", 1, 1, "ok"),
    (r"\boxed{\dfrac{19}{2}}", "stop", "19/2", 1, 1, "ok"),
    (r"\boxed{9.5 \text{ pens}}", "stop", "9.5", 1, 1, "ok"),
    (r"\boxed{-9.5}", "stop", "-9.5", 0, 0, "ok"),
    (r"\boxed{9,500}", "stop", "9500", 0, 0, "ok"),
    (r"\boxed{950\%}", "stop", "950", 0, 0, "ok"),
    (r"\boxed{9.50}", "stop", "9.50", 1, 1, "ok"),
    (r"\boxed{9} no: \boxed{9.5}", "stop", "9.5", 1, 1, "ok"),
    (r"\boxed{9.5} no: \boxed{9}", "stop", "9", 0, 0, "ok"),
    ("#### 9.5", "stop", "9.5", 1, 1, "ok"),
    ("The answer is 9.5.", "stop", "9.5", 1, 1, "ok"),
    ("She has 9.5 pens.", "stop", None, 0, 1, "unparsed"),
    ("It cannot be determined.", "stop", None, 0, 0, "unparsed"),
    ("I cannot help with that.", "stop", None, 0, 0, "unparsed"),
    ("```\n9\n```\n```\n#### 9.5\n```", "stop", "9.5", 1, 1, "ok"),
    ("0.5 + 9 =", "length", None, 0, 0, "truncated"),
    ("", "stop", None, 0, 0, "empty"),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("text", "finish", "extracted", "strict", "flexible", "status"), VERDICTS)
def test_verdicts(
    name: str,
    text: str,
    finish: FinishReason,
    extracted: str | None,
    strict: float,
    flexible: float,
    status: str,
) -> None:
    given = score(text, finish, name=name)
    assert (given.extracted, given.value, given.status) == (extracted, strict, status)
    assert given.metrics == {
        "accuracy": strict,
        "accuracy_flexible": flexible,
        "digit_expansion/accuracy": strict,
    }


# text, how it ended, extracted, accuracy, accuracy_flexible, status
REFUSALS: list[tuple[str, FinishReason, str | None, float, float, str]] = [
    (r"\boxed{\text{Cannot be determined}}", "stop", "None", 1, 1, "ok"),
    ("#### None", "stop", "None", 1, 1, "ok"),
    ("The number of pens that she has is not given.", "stop", "None", 1, 1, "ok"),
    ("The number is not given, but say 1. \\boxed{10}", "stop", "10", 0, 1, "ok"),
    (r"\boxed{9}", "stop", "9", 0, 0, "ok"),
    ("She has 9 pens.", "stop", None, 0, 0, "unparsed"),
    ("I cannot help with that.", "stop", None, 0, 0, "unparsed"),
    ("The number is not given", "length", "None", 1, 1, "truncated"),
    ("", "stop", None, 0, 0, "empty"),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("text", "finish", "extracted", "strict", "flexible", "status"), REFUSALS)
def test_verdicts_where_a_premise_is_missing(
    name: str,
    text: str,
    finish: FinishReason,
    extracted: str | None,
    strict: float,
    flexible: float,
    status: str,
) -> None:
    given = score(text, finish, UNANSWERABLE, name)
    assert (given.extracted, given.value, given.status) == (extracted, strict, status)
    assert given.metrics == {
        "accuracy": strict,
        "accuracy_flexible": flexible,
        "critical_thinking/accuracy": strict,
    }


@pytest.mark.parametrize("name", NAMES)
def test_metrics_are_means_over_all_samples_and_over_each_perturbation(name: str) -> None:
    scores = [score("#### 9.5"), score("9.5"), score("#### None", sample=UNANSWERABLE)]
    assert find(name).metrics.aggregate(scores) == {
        "accuracy": 2 / 3,
        "accuracy_flexible": 1.0,
        "critical_thinking/accuracy": 1.0,
        "digit_expansion/accuracy": 1 / 2,
    }


def write(folder: Path, name: str, rows: list[object]) -> Path:
    path = folder / "gsm_plus" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    return folder


def test_the_full_test_is_read_from_its_own_file(tmp_path: Path) -> None:
    odd = ROW | {"answer": "None", "perturbation_type": "integer-decimal-fraction conversion"}
    write(tmp_path, "test.jsonl.gz", [ROW, odd])
    assert find("gsm_plus").load(tmp_path) == (
        Sample("0", "q", "3", "digit_expansion"),
        Sample("1", "q", "None", "integer_decimal_fraction_conversion"),
    )
    with pytest.raises(DataError, match=r"testmini\.jsonl\.gz is missing"):
        SUITE.load(tmp_path)


def test_a_missing_full_test_is_named(tmp_path: Path) -> None:
    write(tmp_path, "testmini.jsonl.gz", [ROW])
    with pytest.raises(DataError, match=r"gsm_plus/test\.jsonl\.gz is missing: .*--data-dir"):
        find("gsm_plus").load(tmp_path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"question": "q", "answer": "3"}, "row 1: 'perturbation_type' is missing"),
        (ROW | {"answer": "three"}, "row 1: 'answer' is neither"),
        (ROW | {"answer": "3 and 4"}, "row 1: 'answer' is neither"),
        (ROW | {"answer": 3}, "row 1: 'answer' is missing or no text"),
    ],
)
def test_a_malformed_row_is_named(row: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"testmini\.jsonl\.gz, {message}"):
        SUITE.load(write(tmp_path, "testmini.jsonl.gz", [ROW, row]))


def test_each_perturbation_has_300_rows(data_dir: Path) -> None:
    counts = Counter(one.subset for one in SUITE.load(data_dir))
    assert (len(counts), set(counts.values())) == (8, {300})

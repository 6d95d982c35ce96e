"""SVAMP: what is asked, and what verdict an answer gets."""

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

SUITE = find("svamp")
SAMPLE = Sample("s-1", "Kim has 7 pens. How many more does she need for 10?", "3", "subtraction")
CHAT = (
    "Kim has 7 pens. How many more does she need for 10?\n\n"
    "Work through the problem step by step. Then give the final number alone inside \\boxed{}."
)
ROW = {
    "ID": "s-1",
    "Body": "Kim has 7 pens",
    "Question": "How many more does she need for 10?",
    "Equation": "( 10.0 - 7.0 )",
    "Answer": 3.0,
    "Type": "Subtraction",
}


def score(text: str, finish: FinishReason = "stop") -> Score:
    return score_sample(SUITE, SAMPLE, (Answer(text, finish),))


def write(folder: Path, data: object) -> Path:
    path = folder / "svamp" / "SVAMP.json.gz"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(json.dumps(data).encode()))
    return folder


def test_golden_chat_prompt() -> None:
    (request,) = SUITE.ask(SAMPLE, ())
    assert request.messages == (Message("user", CHAT),)
    assert (request.text, request.prefix, request.decoding) == (None, "", Decoding(max_tokens=512))


# text, how it ended, extracted, accuracy, accuracy_flexible, status
VERDICTS: list[tuple[str, FinishReason, str | None, float, float, str]] = [
    (r"10 - 7 = 3, so \boxed{3}.", "stop", "3", 1, 1, "ok"),
    (r"\boxed{3.0}", "stop", "3.0", 1, 1, "ok"),
    (r"\boxed{3 \text{ pens}}", "stop", "3", 1, 1, "ok"),
    (r"\boxed{10 - 7 = 3}", "stop", "3", 1, 1, "ok"),
    (r"\boxed{\frac{6}{2}}", "stop", "6/2", 1, 1, "ok"),
    (r"\boxed{-3}", "stop", "-3", 0, 0, "ok"),
    (r"\boxed{3,000}", "stop", "3000", 0, 0, "ok"),
    (r"\boxed{17} and then \boxed{3}", "stop", "3", 1, 1, "ok"),
    (r"\boxed{3} and then \boxed{17}", "stop", "17", 0, 0, "ok"),
    (r"\boxed{3 \text{ or } 17}", "stop", None, 0, 0, "unparsed"),
    (r"She needs \boxed{3} more, as 7 + 3 = 10.", "stop", "3", 1, 0, "ok"),
    ("10 - 7 = 3\n#### 3", "stop", "3", 1, 1, "ok"),
    ("The answer is 3.", "stop", "3", 1, 1, "ok"),
    ("She needs 3 more.", "stop", None, 0, 1, "unparsed"),
    ("I cannot help with that.", "stop", None, 0, 0, "unparsed"),
    ("10 - 7 =", "length", None, 0, 0, "truncated"),
    ("```\n17\n```\n```\nThe answer is 3\n```", "stop", "3", 1, 1, "ok"),
    ("", "stop", None, 0, 0, "empty"),
]


@pytest.mark.parametrize(("text", "finish", "extracted", "strict", "flexible", "status"), VERDICTS)
def test_verdicts(
    text: str,
    finish: FinishReason,
    extracted: str | None,
    strict: float,
    flexible: float,
    status: str,
) -> None:
    given = score(text, finish)
    assert (given.extracted, given.value, given.status) == (extracted, strict, status)
    assert given.metrics == {
        "accuracy": strict,
        "accuracy_flexible": flexible,
        "subtraction/accuracy": strict,
    }


def test_metrics_are_means_over_all_samples_and_over_each_type() -> None:
    other = Sample("s-2", "q", "4", "addition")
    scores = [
        score(r"\boxed{3}"),
        score("3"),
        score("no"),
        score_sample(SUITE, other, (Answer("#### 4"),)),
    ]
    assert SUITE.metrics.aggregate(scores) == {
        "accuracy": 2 / 4,
        "accuracy_flexible": 3 / 4,
        "addition/accuracy": 1.0,
        "subtraction/accuracy": 1 / 3,
    }


def test_a_body_gets_a_full_stop_and_the_misspelt_type_its_subset(tmp_path: Path) -> None:
    odd = ROW | {"ID": "s-2", "Body": " It is so. ", "Type": "Common-Divison", "Answer": 1.5}
    first, second = SUITE.load(write(tmp_path, [ROW, odd]))
    assert first == Sample(
        "s-1", "Kim has 7 pens. How many more does she need for 10?", "3", "subtraction"
    )
    assert (second.question, second.gold, second.subset) == (
        "It is so. How many more does she need for 10?",
        "1.5",
        "common_division",
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"rows": []}, "no JSON array"),
        ([ROW, 3], "row 1: no JSON object"),
        ([ROW, {**ROW, "Body": None}], "row 1: 'Body' is missing or no text"),
        ([ROW, {**ROW, "Answer": "3"}], "row 1: 'Answer' is no number"),
        ([ROW, {**ROW, "Answer": True}], "row 1: 'Answer' is no number"),
    ],
)
def test_a_malformed_file_is_named(data: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"SVAMP\.json\.gz(: |, ){message}"):
        SUITE.load(write(tmp_path, data))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"SVAMP\.json\.gz is missing: .*--data-dir"):
        SUITE.load(tmp_path)


def test_the_types_of_the_real_file(data_dir: Path) -> None:
    assert Counter(one.subset for one in SUITE.load(data_dir)) == {
        "subtraction": 531,
        "addition": 195,
        "common_division": 166,
        "multiplication": 108,
    }

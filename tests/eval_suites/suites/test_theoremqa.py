"""TheoremQA: what is asked, how typed answers are read and compared, and what verdicts are."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from eval_suites.errors import DataError
from eval_suites.grading.suite_rules import score_sample
from eval_suites.grading.typed import (
    Gold,
    agrees,
    close,
    close_upstream,
    number_in,
    numbers_in,
    option_in,
    truth_in,
)
from eval_suites.registry import find
from eval_suites.requests import Answer, Decoding, FinishReason, Message
from eval_suites.scores import Score
from eval_suites.suites.theoremqa import Sample

SUITE = find("theoremqa")
SAMPLE = Sample("kim/pens_1.json", "How large is x?", 0.33, "float")
CHAT = (
    "How large is x?\n\n"
    "Work through the problem step by step. Then give the final answer alone inside \\boxed{}: "
    "a number, a list of numbers such as [1, 2], True or False, or the letter of an option "
    "such as (a)."
)


def score(text: str, finish: FinishReason = "stop", sample: Sample = SAMPLE) -> Score:
    return score_sample(SUITE, sample, (Answer(text, finish),))


def test_golden_chat_prompt() -> None:
    (request,) = SUITE.ask(SAMPLE, ())
    assert request.messages == (Message("user", CHAT),)
    assert (request.text, request.prefix, request.decoding) == (None, "", Decoding(max_tokens=1024))


# text, how it ended, extracted, accuracy, official, status
VERDICTS: list[tuple[str, FinishReason, str | None, float, float, str]] = [
    (r"So \boxed{0.33}", "stop", "0.33", 1, 1, "ok"),
    (r"\boxed{\frac{1}{3}}", "stop", r"\frac{1}{3}", 1, 1, "ok"),
    (r"\boxed{0.34}", "stop", "0.34", 0, 1, "ok"),
    (r"\boxed{0.36}", "stop", "0.36", 0, 0, "ok"),
    (r"\boxed{33\%}", "stop", r"33\%", 0, 0, "ok"),
    (r"\boxed{-0.33}", "stop", "-0.33", 0, 0, "ok"),
    (r"\boxed{3.3 \times 10^{-1} \text{ m}}", "stop", r"3.3 \times 10^{-1} \text{ m}", 1, 1, "ok"),
    (r"\boxed{x = 0.33}", "stop", "x = 0.33", 1, 1, "ok"),
    (r"\boxed{0.5} no, \boxed{0.33}", "stop", "0.33", 1, 1, "ok"),
    (r"\boxed{0.33} no, \boxed{0.5}", "stop", "0.5", 0, 0, "ok"),
    (r"\boxed{0.33, 0.5}", "stop", None, 0, 0, "unparsed"),
    (r"\boxed{\text{True}}", "stop", None, 0, 0, "unparsed"),
    ("#### 0.33", "stop", "0.33", 1, 1, "ok"),
    ("The answer is 0.33. It was hard.", "stop", "0.33", 1, 1, "ok"),
    (r"The answer is \(1/3\).", "stop", r"\(1/3\)", 1, 1, "ok"),
    ("It is 0.33", "stop", None, 0, 1, "unparsed"),
    ("I cannot help with that.", "stop", None, 0, 0, "unparsed"),
    ("x is 0.33 since", "length", None, 0, 1, "truncated"),
    ("```\n1\n```\n```\n#### 0.33\n```", "stop", None, 0, 1, "unparsed"),
    ("", "stop", None, 0, 0, "empty"),
]


@pytest.mark.parametrize(("text", "finish", "extracted", "strict", "official", "status"), VERDICTS)
def test_verdicts(
    text: str,
    finish: FinishReason,
    extracted: str | None,
    strict: float,
    official: float,
    status: str,
) -> None:
    given = score(text, finish)
    assert (given.extracted, given.value, given.status) == (extracted, strict, status)
    assert given.metrics == {"accuracy": strict, "official": official, "float/accuracy": strict}


# gold, what is declared, ours, upstream's (None: not of the gold's type)
COMPARED: list[tuple[Gold, str, bool | None, bool | None]] = [
    (12, "12", True, True),
    (12, "12.0", True, True),
    (12, "11.6", False, True),
    (12, r"\sqrt{144}", True, True),
    (12, r"3 \cdot 4", True, True),
    (1200, "1,200", True, True),
    (-3, "−3", True, True),
    (3, "-3", False, False),
    (3628800, "10!", True, True),
    (0, "0.4", False, True),
    (12, "twelve", None, None),
    (12, "12 or 13", None, None),
    (12, "x^{12}", None, None),
    (12, "12x", None, None),
    (12, "12 i", None, None),
    (12, r"12 \text{ m}", True, True),
    (12, "there are 12 of them", True, True),
    (0.17, r"\frac{1}{6}", True, True),
    (1.2, "1.16", True, True),
    (0.5, "0.51", False, True),
    (0.5, "0.504", True, True),
    (100.0, "99.2", True, True),
    (100.0, "98", False, True),
    (-6e25, r"-6 \times 10^{25}", True, True),
    (4e-05, "4.3e-5", False, False),
    (0.0, "0", True, True),
    (0.0, "0.001", False, False),
    (3.1415926, r"\pi", True, True),
    (2.83, r"2\sqrt{2}", True, True),
    (True, "True", True, True),
    (True, r"\text{Yes}", True, True),
    (True, "False", False, False),
    (False, "No, it is false", True, True),
    (True, "not true", None, None),
    (True, "1", None, None),
    ("(b)", "(b)", True, True),
    ("(b)", r"\text{(B)}", True, True),
    ("(b)", "b", True, True),
    ("(b)", r"\textbf{b)} 2x", True, True),
    ("(b)", "Option (b): 2x", True, True),
    ("(b)", "(a)", False, False),
    ("(a)", "a larger value", None, None),
    ("(b)", "both", None, None),
    ((0, 5), "[0, 5]", True, True),
    ((0, 5), "(5, 0)", True, True),
    ((0, 5), r"\{0, 5\}", True, True),
    ((0, 5), r"0 \to 5", True, True),
    ((0, 5), "0, 5, 5", False, False),
    ((0, 5), "5", False, False),
    ((3,), "3", True, True),
    ((-1, 4), "x = -1, y = 4", True, True),
    ((-1, 4), "(x, y) = (-1, 4)", True, True),
    ((-1, 2, -1), r"\begin{pmatrix} -1 \\ 2 \\ -1 \end{pmatrix}", True, True),
    ((1, -1), r"\pm 1", True, True),
    ((1, -1), r"1 \text{ and } -1", True, True),
    ((500, 700), "500,700", True, True),
    ((1000, 2000), "1,000, 2,000", True, True),
    ((0, 5), "[0.2, 5]", False, True),
    ((0, 5), "A and B", None, None),
    ((0.6667, -0.6667), r"\left[\frac{2}{3}, -\frac{2}{3}\right]", True, True),
    ((0.5, 0.66667), "0.51, 0.66667", False, True),
]


@pytest.mark.parametrize(("gold", "shown", "ours", "upstream"), COMPARED)
def test_typed_answers_are_compared(
    gold: Gold, shown: str, ours: bool | None, upstream: bool | None
) -> None:
    assert (agrees(gold, shown, close), agrees(gold, shown, close_upstream)) == (ours, upstream)


@pytest.mark.parametrize(
    "text",
    [
        "1," * 30_000,
        "(" * 50_000,
        "[" * 2000,
        " " * 50_000 + "x",
        "true " * 20_000,
        r"\text{" * 9000,
    ],
    ids=lambda text: text[:8],
)
def test_pathological_text_neither_crashes_nor_hangs(text: str) -> None:
    for read in (number_in, numbers_in, truth_in, option_in):
        read(text)
    for gold in (1, 0.5, True, "(a)", (1, 2)):
        assert score_sample(SUITE, Sample("a", "q", gold, "x"), (Answer(text),)).value == 0.0


@pytest.mark.parametrize(
    ("gold", "kind", "text", "strict", "official"),
    [
        (True, "bool", "So it is true", 0, 1),
        (True, "bool", "It is true.\nThat is all.", 0, 0),
        ("(b)", "option", "I choose (b)", 0, 1),
        ("(b)", "option", r"\boxed{b}", 1, 0),
        ((0, 5), "list of integer", "It is [0, 5]", 0, 0),
    ],
)
def test_upstreams_rule_where_nothing_is_declared_or_brackets_lack(
    gold: Gold, kind: str, text: str, strict: float, official: float
) -> None:
    name = f"{kind.replace(' ', '_')}/accuracy"
    metrics = score(text, sample=Sample("a", "q", gold, kind)).metrics
    assert metrics == {"accuracy": strict, "official": official, name: strict}


def test_metrics_are_means_over_all_samples_and_over_each_type() -> None:
    other = Sample("b", "q", (1, 2), "list of integer")
    scores = [score("#### 0.33"), score("#### 0.34"), score("#### [2, 1]", sample=other)]
    assert SUITE.metrics.aggregate(scores) == {
        "accuracy": 2 / 3,
        "official": 1.0,
        "float/accuracy": 1 / 2,
        "list_of_integer/accuracy": 1.0,
    }


def row(answer: object, kind: str) -> dict[str, object]:
    return {"id": "a", "Question": "q", "Answer": answer, "Answer_type": kind, "Picture": None}


def write(folder: Path, rows: object) -> Path:
    path = folder / "theoremqa" / "theoremqa_test.json.gz"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(json.dumps(rows).encode()))
    return folder


@pytest.mark.parametrize(
    ("answer", "kind", "gold"),
    [
        (3, "integer", 3),
        (3, "float", 3.0),
        (True, "bool", True),
        ("(a)", "option", "(a)"),
        ([1, 2], "list of integer", (1, 2)),
        ([1, 2.5], "list of float", (1.0, 2.5)),
    ],
)
def test_golds_are_typed(answer: object, kind: str, gold: Gold, tmp_path: Path) -> None:
    (one,) = SUITE.load(write(tmp_path, [row(answer, kind)]))
    assert one == Sample("a", "q", gold, kind)
    assert type(one.gold) is type(gold)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (True, "integer"),
        ("3", "float"),
        (1, "bool"),
        (None, "option"),
        (3, "list of integer"),
        ([], "list of float"),
        ([1, "2"], "list of float"),
        ([3], "float"),
        (3.5, "integer"),
        ([1, 2.5], "list of integer"),
        (3, "complex"),
    ],
)
def test_a_gold_of_another_type_is_named(answer: object, kind: str, tmp_path: Path) -> None:
    folder = write(tmp_path, [row(3, "integer"), row(answer, kind)])
    with pytest.raises(DataError, match=rf"theoremqa_test.json.gz, row 1: 'Answer' is no {kind}"):
        SUITE.load(folder)


def test_a_missing_or_malformed_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"theoremqa_test\.json\.gz is missing: .*--data-dir"):
        SUITE.load(tmp_path)
    with pytest.raises(DataError, match=r"theoremqa_test\.json\.gz: no JSON array"):
        SUITE.load(write(tmp_path, {}))
    with pytest.raises(DataError, match=r"row 0: 'Question' is missing or no text"):
        SUITE.load(write(tmp_path, [{"id": "a"}]))


def test_the_types_of_the_real_file(data_dir: Path) -> None:
    assert Counter(one.kind for one in SUITE.load(data_dir)) == {
        "float": 378,
        "integer": 216,
        "bool": 115,
        "list of integer": 61,
        "option": 18,
        "list of float": 12,
    }

"""The protocol of Eurus: equality, hard texts, and the strict check beside it."""

import pytest

from eval_suites.grading.suite_rules import score_sample
from eval_suites.problems.eurus import agrees, reading
from eval_suites.registry import find
from eval_suites.requests import Answer
from eval_suites.sandbox.checks import Outcome
from eval_suites.suites.math import Sample
from tests.suite_cases.eurus import SAMPLE

# gold, what is read, whether it counts as equal
COMPARED = [
    (r"\frac{1}{2}", "0.5", True),
    (r"\frac{1}{2}", r"\dfrac12", True),
    (r"\frac{1}{3}", "0.3333", True),
    (r"\frac{1}{3}", "0.333", False),
    (r"2\pi", "6.28", True),
    (r"2\pi", "6.2832", True),
    ("10", "1000", True),
    ("10", "0.1", True),
    ("0", "0.0001", False),
    ("(1,2)", "1, 2", True),
    ("(1,2)", "(2,1)", False),
    ("(1,2)", "(1,200)", True),
    ("(1,2)", "(1,2,3)", False),
    (r"(-\infty,2]", r"(-\infty,2)", True),
    (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{bmatrix}1.0\\2\end{bmatrix}", True),
    ("x^2+1", "x^2 + 1", True),
    ("2(k+1)", "2k+2", False),
    ("90^\\circ", "90", True),
    ("f(x)=2x", "2x", True),
    ("None", "None", True),
    ("None", "9", False),
    ("50", "", False),
]


@pytest.mark.parametrize(("gold", "said", "right"), COMPARED)
def test_what_counts_as_equal(gold: str, said: str, right: bool) -> None:
    assert agrees(gold, said) is right


@pytest.mark.parametrize(
    "text",
    [
        "answer is " * 20_000,
        "is the answer " * 20_000,
        "(" * 60_000,
        "=" * 60_000,
        ". " * 40_000,
        r"\boxed{" * 9000,
        r"\boxed{" + "9" * 60_000 + "}",
        r"\boxed{" + "1," * 499 + "1}",
    ],
    ids=lambda text: text[:9],
)
def test_pathological_text_neither_crashes_nor_hangs(text: str) -> None:
    reading(text)
    assert score_sample(find("svamp:eurus"), SAMPLE, (Answer(text),)).value == 0.0


def test_where_our_strict_check_fails_there_is_no_value() -> None:
    suite = find("math:eurus")
    sample = Sample("0", "p", r"\frac{37}{2}", r"\frac{37}{2}", "3", "prealgebra")
    answer = (Answer(r"\boxed{\sqrt{1369/4}}"),)
    assert len(suite.checks(sample, answer)) == 1
    given = score_sample(suite, sample, answer, (), (Outcome("pass", value=True),))
    assert given.metrics == {
        "accuracy": 1.0,
        "accuracy_strict": 1.0,
        "level_3/accuracy": 1.0,
        "prealgebra/accuracy": 1.0,
    }
    lost = score_sample(suite, sample, answer, (), (Outcome("timeout", "used 2 s"),))
    assert (lost.value, lost.status, lost.metrics) == (None, "ungraded", {})

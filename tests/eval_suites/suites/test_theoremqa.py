"""TheoremQA: what is asked, how typed answers are read and compared, and what verdicts are."""

import pytest

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
from eval_suites.requests import Answer
from eval_suites.suites.theoremqa import Sample

SUITE = find("theoremqa")


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

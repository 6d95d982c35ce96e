"""Numbers are found by explicit rules, compared exactly, and nothing hangs."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_suites.grading.declarations import declared_text
from eval_suites.grading.numbers import normalise, numbers, same_number
from eval_suites.grading.quantities import (
    declared_quantity,
    last_quantity,
)
from eval_suites.suites.arithmetic import final_answer

# text, strict reading, flexible reading
READINGS = [
    (r"So we get \boxed{18}.", "18", "18"),
    (r"First \boxed{3}, no: \boxed{18}", "18", "18"),
    (r"\boxed{18}, since 9 + 9 = 18, as in 2 boxes of 9", "18", "9"),
    (r"I put the answer in \boxed{}. The answer is 18.", "18", "18"),
    (r"\boxed{$1{,}234}", "1234", "1234"),
    (r"\boxed{18\text{ dollars}}", "18", "18"),
    (r"\boxed{x = 18}", "18", "18"),
    (r"\boxed{9 + 9 = 18}", "18", "18"),
    (r"\boxed{18 \text{ and also } 20}", None, "20"),
    (r"\boxed{\text{eighteen}} or #### 19", "18", "19"),
    (r"\boxed{\frac{3}{4}}", "3/4", "3/4"),
    (r"\boxed{-\dfrac{3}{4}}", "-3/4", "-3/4"),
    (r"\fbox{18}", "18", "18"),
    (r"cut in the middle: \boxed{18", "18", "18"),
    ("9 + 9 = 18\n#### 18", "18", "18"),
    ("#### $1,234.50", "1234.50", "1234.50"),
    ("#### Step 2\nThe answer is 18.", "18", "18"),
    ("#### 42", "42", "42"),
    ("####42\nThat is all.", "42", "42"),
    ("####\n42\n\nThat is all.", "42", "42"),
    ("#### 42.\nThat is all.", "42", "42"),
    ("#### 42 pens a day, \nand no more", "42", "42"),
    ("#### $42.50 a day.", "42.50", "42.50"),
    ("#### 42%", "42", "42"),
    ("#### 42cm\n\nDone.", "42", "42"),
    ("#### 1. Setup\nIt is so.", None, "1"),
    ("#### 1. Setup", None, "1"),
    ("#### 2) Compute\nThe answer is 42.", "42", "42"),
    ("##### 3: So\nThe answer is 42", "42", "42"),
    ("#### 1. **Add**\n#### 42", "42", "42"),
    ("#### 42\n#### 1. Check\n40 + 2 = 42", "42", "42"),
    ("#### 1.2 Setup\nThe answer is 42.", "42", "42"),
    ("#### 2 Steps\nThe answer is 42.", "42", "42"),
    ("so\n#### 42 Dollars", "42", "42"),
    ("### 42", None, "42"),
    ("The answer is 18. I hope that the answer is clear.", "18", "18"),
    ("The answer is 5. No, the answer is 18.", "18", "18"),
    ("The final ANSWER IS: **$18**", "18", "18"),
    (r"The answer is \(18\).", "18", "18"),
    ("The answer is −3.", "-3", "-3"),
    ("The answer is -$5", "-5", "-5"),
    ("The answer is not 5.", None, "5"),
    ("It costs 18.", None, "18"),
    ("She earns $1,234,567.00 a year.", None, "1234567.00"),
    ("a list: 1,2,3", None, "3"),
    ("12,3456", None, "3456"),
    ("7 - 3", None, "3"),
    ("7 -3", None, "-3"),
    ("f(7)-3", None, "3"),
    ("- 18 apples", None, "18"),
    ("at 50%", None, "50"),
    ("12\u202f345 people", None, "12345"),
    ("about 3.2e5", None, "3.2e5"),
    (".5", None, ".5"),
    ("I am sorry, I cannot answer that.", None, None),
    ("eighteen", None, None),
    ("", None, None),
]


@pytest.mark.parametrize(("text", "strict", "flexible"), READINGS)
def test_readings(text: str, strict: str | None, flexible: str | None) -> None:
    assert (declared_quantity(text), last_quantity(text)) == (strict, flexible)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"So \boxed{\text{Kim}}.", r"\text{Kim}"),
        (r"\boxed{1} and \boxed{ 2, 3 }", "1, 2, 3"),
        (r"\boxed{1}, which is wrong. \boxed{ 2, 3 }", "2, 3"),
        (r"\boxed{} The answer is Kim.", "Kim"),
        (r"#### 4, but \boxed{3}", "3"),
        ("Kim\n#### 2, 3 \n", "2, 3"),
        ("#### Step 2\nThe answer is Kim.", "Kim"),
        ("#### Step 2\nIt is Kim.", None),
        ("#### 1. Setup", None),
        ("####\nThe answer is Kim.", "Kim"),
        ("so\n#### Kim", "Kim"),
        ("so\n#### 3: 2", "3: 2"),
        ("so\n#### 3:30 p.m.", "3:30 p.m."),
        ("The answer is 5. No, the answer is 3.5 m. It was hard.", "3.5 m"),
        ("The answers are: 2 and 3", "2 and 3"),
        ("The answer is **(a)**", "(a)"),
        ("The answer is:\n\nKim", "Kim"),
        ("The answer is", None),
        ("The answer island is Kim.", None),
        ("It is Kim.", None),
        ("", None),
    ],
)
def test_what_is_declared_as_text(text: str, shown: str | None) -> None:
    assert declared_text(text) == shown


def test_every_number_is_found_in_its_order() -> None:
    assert numbers(r"\$1,234 and −3, 7-2, \frac{1}{2}") == ("1234", "-3", "7", "2", "1/2")
    assert numbers("none") == ()


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("18", "18.0", True),
        ("018", "18", True),
        (".5", "1/2", True),
        ("3.2e5", "320000", True),
        ("-3", "3", False),
        ("0.5", "50", False),
        ("50", "5000", False),
        ("18", "18.0001", False),
        ("3/0", "3", False),
        ("3/0", "3/0", True),
        (None, "3", False),
        (None, None, False),
        ("0.1", "0.10000000000000000555", False),
    ],
)
def test_numbers_are_equal_in_value_only(left: str | None, right: str | None, same: bool) -> None:
    assert same_number(left, right) is same
    assert same_number(right, left) is same


@pytest.mark.parametrize(
    "text",
    [
        "9" * 50_000,
        r"\boxed{" + "9" * 50_000 + "}",
        r"\boxed{" * 10_000,
        "\\boxed{\n" * 10_000,
        "1,234" * 20_000,
        "answer is " * 10_000,
        "#### " * 10_000,
        "#" * 50_000,
        "#### Step\n" * 10_000,
        "#### 1. A " * 10_000,
        "####" + " " * 50_000,
        "1/" * 30_000,
        "-" * 50_000,
        "9e9e" * 20_000,
        r"\frac{" * 20_000,
        "1e999/1e-999",
        " " * 50_000 + "x",
        "answer is" + " " * 50_000 + "x",
        "answer is 1" + ",1" * 20_000 + "?",
        "answer is 1" + ". " * 20_000 + "\n",
        "-" + " -" * 25_000,
    ],
    ids=lambda text: text[:12],
)
def test_pathological_text_neither_crashes_nor_hangs(text: str) -> None:
    for value in (declared_quantity(text), last_quantity(text), final_answer(text)):
        same_number(value, "18")
    assert declared_text(text) is None or numbers(text) is not None


@given(st.integers(-(10**12), 10**12))
def test_an_integer_is_read_back_in_every_form(number: int) -> None:
    for text in (f"{number}", f"{number:,}", f"{number}.0", str(number).replace("-", "−")):
        for sentence in (rf"\boxed{{{text}}}", f"#### {text}", f"The answer is {text}."):
            assert same_number(declared_quantity(sentence), str(number))
        assert same_number(last_quantity(f"It is {text}."), str(number))


@given(st.fractions(max_denominator=999))
def test_a_fraction_is_equal_to_itself_alone(number: Fraction) -> None:
    text = f"{number.numerator}/{number.denominator}"
    assert same_number(declared_quantity(f"#### {text}"), str(number))
    assert not same_number(normalise(text), str(number + 1))


@given(st.text())
def test_any_text_is_read_without_a_fault(text: str) -> None:
    for value in (declared_quantity(text), last_quantity(text)):
        assert value is None or same_number(value, value)

"""A response that names what is missing is told from one that declines, guesses or answers."""

import pytest

from eval_suites.grading.refusals import finds_unanswerable, says_unanswerable

# text, whether it ends by saying so, whether it says so anywhere
RESPONSES = [
    ("We don't know how many cars there are.\n#### None", True, True),
    ("The number of cats is not provided. \n#### None", True, True),
    (r"\boxed{\text{Cannot be determined}}", True, True),
    (r"\boxed{\text{Not enough information}}", True, True),
    (r"\boxed{\text{insufficient data}}", True, True),
    (r"\boxed{\text{Unknown}}", True, False),
    (r"\boxed{None}", True, False),
    (r"\boxed{N/A}", True, False),
    (r"Only 3 are known, so \boxed{\text{it is impossible to determine}}.", True, True),
    ("The answer is unknown, because the price of a pen is missing.", True, True),
    ("The answer cannot be determined without knowing the price.", True, True),
    ("It can’t be calculated, as the problem doesn’t say how far it is.", True, True),
    ("We need more information about the second day to solve this.", True, True),
    ("More information is needed. Please provide the price of a pen.", True, True),
    ("There isn't enough information to find the total.", True, True),
    ("The problem does not specify the speed. Hence there is no single answer.", True, True),
    ("It is impossible to find the total.", True, True),
    (
        "Without the price of the CD we cannot tell how many of them 48 dollars would buy.",
        True,
        True,
    ),
    ("So far 12.\n\n**Conclusion:** The number of boxes is not given.", True, True),
    ("To answer this, we need to know how many pens he had.", True, True),
    ("I am not told how many there were.", True, True),
    ("The total is 30 + x, where the value of x is unknown.", True, True),
    (r"The value of x is not given, so the total is \boxed{30 + x}.", False, True),
    (r"It is not stated, so we take 5 hours. \boxed{5}", False, True),
    ("The number is not given. The answer is 12.", False, True),
    ("The price is not given. If it were 10, he could buy 4.", False, True),
    ("The price isn't given, so let us assume it is 10, which makes 58.", False, True),
    ("We do not know the price. Then we add 5 and 3 and get 8.", False, True),
    ("We do not know it yet.\n5 and 3 are added.\nThat is it.\nDone.\nYes.", False, True),
    (r"\boxed{12}", False, False),
    (r"\boxed{\text{twelve}}", False, False),
    ("The answer is 12.", False, False),
    ("There are 12.", False, False),
    ("I'm sorry, but I can't help with that.", False, False),
    ("I cannot answer this question.", False, False),
    ("I'm unable to answer this question.", False, False),
    ("I am unable to determine the total.", True, True),
    ("It is impossible to answer this question.", True, True),
    ("He did not have enough money to buy it.", False, False),
    ("He does not know how many apples she has, but has them all.", False, False),
    ("The answer cannot be less than zero.", False, False),
    ("None of the apples is left, so", False, False),
    ("", False, False),
]


@pytest.mark.parametrize(("text", "ends", "anywhere"), RESPONSES)
def test_what_says_that_a_problem_cannot_be_answered(text: str, ends: bool, anywhere: bool) -> None:
    assert (says_unanswerable(text), finds_unanswerable(text)) == (ends, anywhere)


@pytest.mark.parametrize(
    "text",
    [
        "cannot " * 20_000,
        "no" + " a" * 50_000,
        "information " * 20_000,
        "not" + "\n" * 50_000,
        "is not" + " " * 50_000 + "x",
        "we " * 30_000,
        "." * 50_000,
        "a" * 100_000,
        r"\text{" * 20_000,
    ],
    ids=lambda text: text[:8],
)
def test_pathological_text_neither_crashes_nor_hangs(text: str) -> None:
    assert says_unanswerable(text) in {True, False}
    assert finds_unanswerable(text) in {True, False}

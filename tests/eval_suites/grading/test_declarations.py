"""A response declares one answer, and what stands around it changes nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_suites.grading import latex
from eval_suites.grading.declarations import declared_text, parts
from eval_suites.grading.quantities import closing_quantity, declared_quantity, quantity
from eval_suites.grading.short_answers import answer_in

#: The forms in which an answer is declared.
FORMS = (
    "\\boxed{%s}",
    "<answer>%s</answer>",
    "#### %s",
    "#### **%s**",
    "The answer is %s.",
    "the answer must be %s",
    "The correct answer is: **%s**",
    "Answer: %s",
    "**Answer:** %s",
    "Final answer: %s",
    "**Final Answer: %s**",
    "ANSWER: %s",
    "The answer to the question is %s.",
    "The answer is\n\n%s",
    "## Answer\n%s",
    "so the answer should be %s",
)
REMARKS = (
    "",
    "This answer is correct.",
    "I hope the answer is clear.",
    "We checked that the answer is reasonable.",
    "I am confident that this answer is right.",
    "Let me know if it helps!",
)
#: Gold and texts that declare it, of each kind of short answer.
GOLDS = ("(B)", "no", "False", "invalid", "8", "-50", "syndrome therefrom")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("remark", REMARKS)
def test_every_form_is_read_and_a_remark_behind_it_hides_nothing(form: str, remark: str) -> None:
    assert declared_quantity(f"{form % '18'}\n\n{remark}") == "18"
    assert latex.declared(f"{form % '42'}\n{remark}") == "42"
    for gold in GOLDS:
        assert answer_in(gold, f"{form % gold}\n\n{remark}") == answer_in(
            gold, f"\\boxed{{{gold}}}"
        )


@given(st.integers(-(10**9), 10**9), st.sampled_from(FORMS), st.integers(0, 10**6))
def test_a_second_declaration_replaces_the_first_of_its_form(
    number: int, form: str, first: int
) -> None:
    assert declared_quantity(f"{form % first}\n\n{form % number}") in {
        str(number),
        # Boxes side by side are one answer.
        *([None] if "boxed" in form and first != number else []),
    }


@given(st.integers(0, 10**9), st.sampled_from(FORMS), st.text("abc de.,\n", max_size=40))
def test_text_that_declares_nothing_changes_nothing(number: int, form: str, text: str) -> None:
    assert declared_quantity(f"{form % number}\n\n{text}") == str(number)


@pytest.mark.parametrize(
    "opening",
    ["Question: A", "## Question 2\nA", "Example 2: A", "Q: A", "**Problem:** A", "Problem 2: A"],
)
def test_another_problem_behind_the_answer_is_not_read(opening: str) -> None:
    text = f"So 18.\n#### 18\n\n{opening} robe takes 2 bolts.\nAnswer: It takes 3. #### 3"
    assert declared_quantity(text) == "18"
    assert len(parts(text)) == 2
    restated = f"I repeat the task.\n{opening} robe takes 2 bolts.\nThe answer is 3."
    assert declared_quantity(restated) == "3"


@pytest.mark.parametrize(
    "text",
    [
        "<think>The answer is 20.</think>The answer is 18.",
        "the answer is 20\n</think>\n#### 18",
        "#### 18\n<think>\\boxed{20}",
    ],
)
def test_thoughts_are_never_read(text: str) -> None:
    assert declared_quantity(text) == "18"
    assert latex.declared(text) == "18" or text.startswith("<think>")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Janet makes $18 every day.", "18"),
        ("9 eggs times $2 gives **$18**.", "18"),
        ("She has 16 eggs.\nSo 9 * 2 = 18 dollars.", "18"),
        ("She has 16 eggs and eats 3.", None),
        ("She has 16 eggs. Well done.", None),
        ("", None),
    ],
)
def test_the_closing_sentence_counts_where_it_has_one_number(text: str, number: str) -> None:
    assert declared_quantity(text) is None
    assert closing_quantity(text) == number


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("\\boxed{6} inches, \\boxed{12} inches and \\boxed{9} inches", "6, 12, 9"),
        ("\\boxed{6} \\text{ in}, \\boxed{12} \\text{ in and } \\boxed{9}", "6, 12, 9"),
        ("\\boxed{6} is wrong: \\boxed{9}", "9"),
        ("\\boxed{6} no, \\boxed{9}", "9"),
        ("Answer: First we add 2 and 3. Then it is so.", None),
        ("Answer: 18. Because it is so.", "18"),
        ("the answer is found by adding", None),
        ("the answer is above.", None),
        ("the answer is above big broken", "above big broken"),
    ],
)
def test_what_is_declared(text: str, content: str | None) -> None:
    assert declared_text(text) == content


def test_a_sentence_about_an_answer_is_no_number() -> None:
    assert quantity("not 18") is None
    assert declared_quantity("The answer is 18, not 20.") == "18"

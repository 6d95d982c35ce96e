"""A quantity is read whole or refused: it never equals a proper prefix of itself."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from eval_suites.grading.numbers import same_number
from eval_suites.grading.quantities import quantities, quantity

NUMBERS = st.integers(1, 10**6).map(str) | st.decimals(1, 10**4, places=2).map(str)
#: What makes another quantity of a number, or no quantity.
CONTINUATIONS = (
    " 1/2",
    "½",
    "\\frac{1}{2}",
    "\\frac12",
    " million",
    " thousand",
    "k",
    "-13",
    " to 14",
    " or 14",
    " and 14",
    "!",
    "^2",
    ":30",
    " : 3",
    " + 3",
    " - 3",
    " x 4",
    " \\times 3",
    "\\pi",
    "x",
    "n",
    "\\sqrt{2}",
    " \\times 10^3",
    "/3",
    ",5",
    "_3",
    " feet 6 inches",
    " hours and 30 minutes",
    " out of 20",
    "(3)",
)
SETTINGS = (
    "%s",
    "$%s$",
    "\\(%s\\)",
    "**%s**",
    "\\$%s",
    "$%s",
    "%s.",
    "\\text{%s}",
    "\\mathbf{%s}",
    "{%s}",
    "\\boldsymbol{%s}",
    "\\displaystyle %s",
    "\\textcolor{red}{%s}",
    " %s ",
    "\\boxed{%s}",
    "= %s",
    "about %s",
    "approximately %s",
    "≈ %s",
    "x = %s",
    "%s eggs",
    "%s \\text{ dollars}",
    "%s\\%%",
    "%s cm",
    "%s\\text{ ft}^2",
    "%s square feet (ft^2)",
    "%s because 1 + 1 = 2",
    "%s, since 2 - 1 = 1",
    "%s per day",
    "3 * 2 = %s",
    "(%s)",
    "\\large %s",
    "%s/day",
    "`%s`",
    "\\underline{%s}",
)


@given(NUMBERS, st.sampled_from(CONTINUATIONS))
def test_a_quantity_never_equals_a_proper_prefix_of_itself(number: str, behind: str) -> None:
    assume(not (behind == ",5" and "." in number))
    assert not same_number(quantity(number + behind), number)


@given(NUMBERS, st.sampled_from(SETTINGS))
def test_wrapping_spacing_and_typesetting_change_no_verdict(number: str, setting: str) -> None:
    assert same_number(quantity(setting % number), number)
    assert not same_number(quantity(setting % f"{number}9"), number)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2\\frac{1}{2}", "5/2"),
        ("2 1/2", "5/2"),
        ("2½", "5/2"),
        ("\\frac52", "5/2"),
        ("½", "1/2"),
        ("\\frac 12", "1/2"),
        ("2 and 1/2", "5/2"),
        ("2 and a half hours", "5/2"),
        ("-½", "-1/2"),
        ("118 000", "118000"),
        ("70\\,000", "70000"),
        ("70{,}000", "70000"),
        ("70~000", "70000"),
        ("70,\\!000", "70000"),
        ("70\\text{,}000", "70000"),
        ("70k", "70000"),
        ("1.2 million", "1200000"),
        ("7\\times 10^4", "70000"),
        ("7 x 10^{4}", "70000"),
        ("3.2e5", "320000"),
        ("70.000", "70"),
        ("9 * 2 = $18", "18"),
        ("18 - 2 = 16", "16"),
        ("- 50", "-50"),
        ("(-50)", "-50"),
        ("minus 5", "-5"),
        ("a cat", None),
        ("a dozen", None),
        ("one hundred", "100"),
        ("three quarters", "3/4"),
        ("a half", "1/2"),
        ("1'234", "1234"),
        ("18 km/h", "18"),
        ("18 m/s^2", "18"),
        ("3h20", None),
        ("18±2", None),
        ("eight", "8"),
        ("twenty-one eggs", "21"),
        ("7 dozen", "7"),
        ("the 6th", "6"),
        ("one of the eggs", None),
        ("5 1/0", None),
        ("12 + 3", None),
        ("\\sqrt{12}", None),
        ("\\frac{x}{12}", None),
        ("x > 12", None),
        ("between 12 and 14", None),
        ("a=6, b=12", None),
        ("not 12", None),
        ("half of 12", None),
        ("12 pi", None),
        ("", None),
        ("eggs", None),
    ],
)
def test_quantities(text: str, number: str | None) -> None:
    assert (quantity(text) is None) == (number is None)
    assert number is None or same_number(quantity(text), number)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("6, 12, 9", ("6", "12", "9")),
        ("(6, 12, 9)", ("6", "12", "9")),
        ("a=6, b=12, c=9", ("6", "12", "9")),
        ("6, 12 and 9", ("6", "12", "9")),
        ("6 in, 12 in, 9 in", ("6", "12", "9")),
        ("\\text{width } 8, \\text{ area } 128", ("8", "128")),
        ("8 (feet); 128 (square feet)", ("8", "128")),
        ("2½ and 3", ("5/2", "3")),
    ],
)
def test_lists_of_quantities(text: str, numbers: tuple[str, ...]) -> None:
    assert numbers in quantities(text)


def test_a_comma_may_group_thousands_or_separate() -> None:
    assert set(quantities("1,234")) == {("1", "234"), ("1234",)}
    assert quantities("6, 12!") == ()

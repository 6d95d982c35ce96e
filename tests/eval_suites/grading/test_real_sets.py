"""Sets of real numbers are the same set in every notation, and other texts stay as they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_suites.grading.mathematics import decide
from eval_suites.grading.real_sets import as_intervals

WITHOUT_5 = r"(-\infty,5)\cup (5,\infty)"


@pytest.mark.parametrize(
    ("text", "intervals"),
    [
        (r"x \ne 5", WITHOUT_5),
        (r"\mathbb{R}\setminus\{5\}", WITHOUT_5),
        (r"\mathbb{R} - \{5\}", WITHOUT_5),
        (r"(-\infty,\infty)\setminus\{5\}", WITHOUT_5),
        (r"\text{all real numbers except } 5", WITHOUT_5),
        (r"\text{all real numbers } x \text{ except } x=5", WITHOUT_5),
        (r"\{x \mid x \ne 5\}", WITHOUT_5),
        (r"\{x \in \mathbb{R} : x \ne 5\}", WITHOUT_5),
        (r"x < 5 \text{ or } x > 5", WITHOUT_5),
        (r"x<5 \lor x>5", WITHOUT_5),
        (r"x \ne -4 \text{ and } x \ne 6", r"(-\infty,-4)\cup (-4,6)\cup (6,\infty)"),
        (r"x \ne 6, -4", r"(-\infty,-4)\cup (-4,6)\cup (6,\infty)"),
        (r"x \ge 0, x \ne 3", r"[0,3)\cup (3,\infty)"),
        (r"x \ge 3, x \ne 3", r"(3,\infty)"),
        (r"x>2 \text{ and } x<5", "(2,5)"),
        (r"x>5 \text{ or } (5,\infty)", r"(5,\infty)"),
        (r"x<3 \text{ or } x \le 4", r"(-\infty,4]"),
        (r"]5,\infty[", r"(5,\infty)"),
        (r"[0,2[", "[0,2)"),
        (r"\mathbb{R}", r"(-\infty,\infty)"),
        (r"\mathbb{R}^+", r"(0,\infty)"),
        (r"\mathbb{R}_{\ge 0}", r"[0,\infty)"),
        (r"\text{all nonnegative real numbers}", r"[0,\infty)"),
        (r"\text{negative reals}", r"(-\infty,0)"),
        (r"\{x : 2 \le x < 3\}", "[2,3)"),
        (r"|x| \ge 1", r"(-\infty,-1]\cup [1,\infty)"),
        (r"|x| < 3", "(-3,3)"),
        (r"x \ne \sqrt{2}", r"(-\infty,\sqrt{2})\cup (\sqrt{2},\infty)"),
    ],
)
def test_one_notation(text: str, intervals: str) -> None:
    assert as_intervals(text) == intervals


@pytest.mark.parametrize(
    "text",
    [
        "x = 5",
        r"\{5\}",
        "(1,2)",
        "[1,2]",
        r"x \ne a",
        r"\text{real}",
        "2k+1",
        r"a \mid b",
        r"|x| > a",
    ],
)
def test_other_texts_stay(text: str) -> None:
    assert as_intervals(text) == text


@given(st.sets(st.integers(-99, 99), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_excluded_points_are_the_same_set_in_every_form(points: set[int], random: object) -> None:
    listed = ", ".join(map(str, points))
    texts = (
        rf"\mathbb{{R}}\setminus\{{{listed}\}}",
        rf"x \ne {listed}",
        r" \text{ and } ".join(rf"x \neq {point}" for point in points),
        rf"\{{x \mid x \ne {listed}\}}",
    )
    assert all(decide(texts[0], text) is True for text in texts)
    assert decide(texts[0], rf"x \ne {max(points) + 1}") is not True

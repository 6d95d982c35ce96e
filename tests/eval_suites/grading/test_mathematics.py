"""Answers equal in value are taken, others refused, whatever their form; nothing hangs or runs."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_suites.grading import latex, mathematics, minerva
from eval_suites.requests import Answer
from eval_suites.sandbox.checks import Call, Outcome
from eval_suites.sandbox.runner import Sandbox

# gold, answer, whether they are equal
PAIRS: list[tuple[str, str, bool]] = [
    # numbers and how they are set
    ("18", "18", True),
    ("18", "18.", True),
    ("18", "18.0", True),
    ("18", "19", False),
    ("18", "1.8", False),
    ("-3", "−3", True),
    ("-3", "3", False),
    ("0.5", ".5", True),
    ("0.5", r"\frac12", True),
    ("1234", "1,234", True),
    ("1234", "1{,}234", True),
    ("10,\\!080", "10080", True),
    ("1,\\! 234,\\! 567", "1 234 567", True),
    ("1234", r"1\,234", True),
    ("1234", "1234,5", False),
    ("320000", "3.2e5", True),
    ("320000", r"3.2 \times 10^5", True),
    ("320000", r"3.2 \cdot 10^{5}", True),
    ("320000", "3.2e4", False),
    ("0.00032", r"3.2\times10^{-4}", True),
    ("50", "0.5", False),
    ("50", "5000", False),
    ("50", r"50\%", True),
    ("0.5", r"50\%", False),
    (r"\$36", "36", True),
    (r"\$18.90", r"18.9", True),
    ("90^\\circ", "90", True),
    ("90^{\\circ}", "90°", True),
    (r"5.4 \text{ cents}", "5.4", True),
    (r"864 \mbox{ inches}^2", "864", True),
    ("15", r"15\text{ cm}^2", True),
    ("15", "15 square units", True),
    ("15", r"15\,\mathrm{cm}", True),
    ("15", r"15 \text{ or } 16", False),
    ("15", "-15", False),
    ("1", "0.9999999", False),
    ("2", r"{2}", True),
    ("2", r"\mathbf{2}", True),
    ("2", r"**2**", True),
    ("2", r"$2$", True),
    ("2", r"\(2\)", True),
    # fractions
    (r"\frac{1}{2}", "1/2", True),
    (r"\frac{1}{2}", r"\dfrac{1}{2}", True),
    (r"\frac{1}{2}", r"\tfrac12", True),
    (r"\frac{1}{2}", r"\frac{2}{4}", True),
    (r"\frac{1}{2}", r"\frac{2}{1}", False),
    (r"\frac{1}{3}", "0.33", False),
    (r"\frac{1}{3}", "0.333333", False),
    (r"-\frac{1}{3}", r"\frac{-1}{3}", True),
    (r"-\frac{1}{3}", r"\frac{1}{-3}", True),
    (r"\frac{270}7\text{ degrees}", r"\frac{270}{7}", True),
    (r"\frac 59", r"\frac{5}{9}", True),
    (r"1\frac{4}{5}", r"\frac{9}{5}", True),
    (r"137 \frac{1}{2}", "137.5", True),
    (r"1\frac{4}{5}", r"\frac{4}{5}", False),
    (r"\frac{\pi}{2}", r"\frac\pi2", True),
    (r"\frac{\pi}{2}", r"\frac{1}{2}\pi", True),
    (r"\frac{\pi}{2}", "1.57", False),
    (r"\frac{\pi}{2}", r"90^\circ", False),
    # roots, powers, constants
    (r"11\sqrt2", r"11\sqrt{2}", True),
    (r"2\sqrt{3}", r"\sqrt{12}", True),
    (r"2\sqrt{3}", r"\sqrt{6}", False),
    (r"\frac{\sqrt{3}}{3}", r"\frac{1}{\sqrt{3}}", True),
    (r"\frac{\sqrt{3}}{3}", r"\frac{1}{\sqrt{2}}", False),
    ("2", r"\sqrt{4}", True),
    ("8", "2^3", True),
    ("8", "2^{4}", False),
    (r"18+2\pi", r"2\pi+18", True),
    ("12π", r"12\pi", True),
    (r"\frac{1}{2006!}", r"\frac{1}{2004!}", False),
    (r"\frac{1}{2006!}", r"\frac{1}{2006 \cdot 2005!}", True),
    ("10^{-30}", "10^{-40}", False),
    ("0", r"10^{-30}", False),
    ("6+9i", "9i+6", True),
    ("6+9i", "6-9i", False),
    ("3", "|-3|", True),
    ("120", "5!", True),
    (r"\log_2 8", "3", True),
    (r"\sqrt{2}", "1.41421356237", False),
    (r"\sqrt{3}", "3^{0.5}", True),
    (r"\frac{1}{3}", r"0.\overline{3}", True),
    (r"\frac{7}{30}", r"0.2\overline{3}", True),
    ("0.1\\overline{6}", r"\frac{1}{7}", False),
    (r"8\pi", "8 pi", True),
    (r"8\pi", r"8\pi\text{ cm}^2", True),
    (r"2\sqrt{3}", "2sqrt(3)", True),
    ("1", "1 million", False),
    ("1", r"1 \text{ million}", False),
    (r"\binom{10}{5}", "252", True),
    ("3^{2004}", "9^{1002}", True),
    ("2^{1000}", "2^{1001}", False),
    # number bases
    ("1011_2", "1011_3", False),
    ("1011_2", "1011_{2}", True),
    ("1011_{2}", r"1011_{\text{two}}", True),
    ("2516_8", r"2516_{\text{base } 8}", True),
    ("2516_8", r"2516 \text{ (base 8)}", True),
    ("2516_8", "2516", True),
    ("2516_8", "1358", False),
    ("152A_{11}", "152A_{11}", True),
    ("152A_{11}", "152A_{12}", False),
    # lists, sets, plus-minus
    ("18", "18 and also 20", False),
    ("18", r"18 \text{ and also } 20", False),
    ("18", "18, 20", False),
    ("18,20", "18", False),
    ("1,-2", "-2, 1", True),
    ("1,-2", r"-2 \text{ and } 1", True),
    ("1,-2", "-2 or 1", True),
    ("1,-2", r"\{-2, 1\}", True),
    ("1,-2", r"\left\{-2, 1\right\}", True),
    ("1,-2", "x = 1, x = -2", True),
    ("1,-2", "1,-2,0", False),
    ("1,-2", "1,2", False),
    ("3, 5, 7", "7,5,3", True),
    ("3, 5, 7", "3,5,9", False),
    (r"1 \pm \sqrt{19}", r"1+\sqrt{19}, 1-\sqrt{19}", True),
    (r"1 \pm \sqrt{19}", r"1-\sqrt{19}, \sqrt{19}+1", True),
    (r"1 \pm \sqrt{19}", r"1+\sqrt{19}", False),
    (r"\{1\pm\sqrt{5},-2\}", r"-2,1\pm\sqrt{5}", True),
    (r"\frac{1}{2}, 3", "3, 0.5", True),
    # points and intervals
    ("(3,4)", "(3, 4)", True),
    ("(3,4)", r"\left( 3, 4 \right)", True),
    ("(3,4)", "(4,3)", False),
    ("(3,4)", "[3,4]", False),
    ("(3,4)", "3,4", False),
    (r"\left( 3, \frac{\pi}{2} \right)", r"(3, \pi/2)", True),
    (r"\left( 3, \frac{\pi}{2} \right)", r"(3, \pi/3)", False),
    (r"\left( \frac{3}{2}, -13 \right)", "(1.5,-13)", True),
    (r"(-\infty,2)", r"(-\infty,2]", False),
    (r"(-\infty,2)", "x < 2", True),
    (r"(-\infty,2)", r"x \le 2", False),
    (r"(-\infty, 0]", "0 ≥ x", True),
    ("(3,4]", r"3 < x \leq 4", True),
    ("(3,4]", r"4 \geq x > 3", True),
    ("(3,4]", r"3 \leq x < 4", False),
    (r"x \in [-2,7]", "[-2,7]", True),
    (r"x \in [-2,7]", r"-2 \le x \le 7", True),
    (r"(0,9) \cup (9,36)", r"(9,36)\cup(0,9)", True),
    (r"(0,9) \cup (9,36)", r"(0,9) \cup [9,36)", False),
    (r"(-\infty, 2) \cup (3, \infty)", r"x < 2 \text{ or } x > 3", True),
    (r"(5,\infty)", r"(5,+\infty)", True),
    (r"(2,\infty)", r"(2, infinity)", True),
    # matrices and vectors
    (
        r"\begin{pmatrix} -2 \\ -14 \\ -7 \end{pmatrix}",
        r"\begin{bmatrix}-2\\-14\\-7\end{bmatrix}",
        True,
    ),
    (
        r"\begin{pmatrix} 1/5 \\ -18/5 \end{pmatrix}",
        r"\begin{pmatrix}\frac15\\-\frac{18}{5}\end{pmatrix}",
        True,
    ),
    (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", r"\begin{pmatrix} 1 & 2 \end{pmatrix}", False),
    (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", r"\begin{pmatrix} 2 \\ 1 \end{pmatrix}", False),
    # expressions and equations
    ("p - q", "-q+p", True),
    ("p - q", "q-p", False),
    ("2k+2", "2(k+1)", True),
    ("(a+5)(b+2)", "(b+2)(a+5)", True),
    ("(a+5)(b+2)", "ab+2a+5b+10", True),
    ("(a+5)(b+2)", "ab+2a+5b+11", False),
    ("6r^2-4r-24", "-24-4r+6r^{2}", True),
    (r"\frac{11+9a}{20}", r"\frac{9a}{20}+\frac{11}{20}", True),
    ("x=5", "5", True),
    ("x=5", "y=5", False),
    ("5", "x = 5", True),
    ("y = 2x + 3", "y=3+2x", True),
    ("y = 2x + 3", "2x+3", True),
    ("y = 2x + 3", "y=2x-3", False),
    ("y = 2x + 3", "2x - y + 3 = 0", True),
    ("y = 2x + 3", "2x - y - 3 = 0", False),
    ("x", "1x", True),
    (r"\emptyset", r"\varnothing", True),
    ("5x - 7y + 11z + 4 = 0", "10x - 14y + 22z + 8 = 0", True),
    ("5x - 7y + 11z + 4 = 0", "5x - 7y + 11z - 4 = 0", False),
    (r"\cot x", r"\frac{1}{\tan x}", True),
    (r"\cot x", r"\tan x", False),
    ("3R^2", "3r^2", False),
    ("R^2 - r^2", "0", False),
    ("R^2 - r^2", "(R-r)(R+r)", True),
    ("C_1 + C_2", "C_2 + C_1", True),
    # words
    (r"\text{Evelyn}", "Evelyn", True),
    (r"\text{Evelyn}", "evelyn", True),
    (r"\text{Evelyn}", "Angela", False),
    (r"\text{(C)}", "C", True),
    (r"\text{(C)}", r"\textbf{(C)}", True),
    (r"\text{(C)}", "(B)", False),
    (r"\text{even}", "odd", False),
    (r"\text{ellipse}", r"\text{Ellipse}", True),
    # no answers
    ("5", r"\text{none}", False),
    ("5", r"\frac{", False),
    ("5", "?", False),
    ("5", r"\infty", False),
]


def outcomes_of(pairs: list[tuple[str, str]], workers: int = 1) -> list[tuple[Outcome, ...]]:
    """Of each pair's checks, from a real sandbox."""

    async def ask() -> list[tuple[Outcome, ...]]:
        async with Sandbox(workers=workers) as box:
            return [
                tuple([await box.run(check) for check in mathematics.checks(gold, answer)])
                for gold, answer in pairs
            ]

    return asyncio.run(ask())


@pytest.fixture(scope="module")
def verdicts() -> dict[tuple[str, str], float | None]:
    pairs = [(gold, answer) for gold, answer, _ in PAIRS]
    return {
        (gold, answer): mathematics.graded(Answer(answer), gold, answer, outcomes).value
        for (gold, answer), outcomes in zip(pairs, outcomes_of(pairs), strict=True)
    }


@pytest.mark.parametrize(("gold", "answer", "equal"), PAIRS)
def test_pairs(
    gold: str, answer: str, equal: bool, verdicts: dict[tuple[str, str], float | None]
) -> None:
    assert verdicts[gold, answer] == float(equal)


def test_ordinary_answers_need_no_check() -> None:
    ordinary = [
        ("18", "18.0"),
        (r"\frac{1}{2}", "0.5"),
        ("10,\\!080", "10,080"),
        (r"(-\infty, 2) \cup (3, \infty)", r"(-\infty,2)\cup(3,\infty)"),
        (r"\begin{pmatrix} -2 \\ 7 \end{pmatrix}", r"\begin{pmatrix}-2\\7\end{pmatrix}"),
        ("1,-2", "-2, 1"),
        (r"\text{Evelyn}", "Evelyn"),
        ("18", "20"),
        ("(3,4)", "(4,3)"),
        (r"2 \sqrt{3}", r"2\sqrt3"),
    ]
    assert [mathematics.checks(*pair) for pair in ordinary] == [()] * len(ordinary)


# What is hard to read, or hard to work out. None of it may hang, kill, or count as right.
PATHOLOGICAL = [
    "9" * 50_000,
    "1/" + "9" * 50_000,
    "x" * 100_000,
    r"\frac{1}{" * 5_000 + "2" + "}" * 5_000,
    "{" * 100_000,
    "(" * 500 + "1" + ")" * 400,
    r"\{" * 400 + "1" + r"\}" * 400,
    r"\left(" * 15 + "x" + r"\right)" * 15 + "^{99999}",
    "9^{9^{9^{9^9}}}",
    "9^{9^{9^{9}}}-9^{9^{9^{8}}}",
    "(x+1)^{(x+1)^{(x+1)^{9999}}}",
    r"\sum_{n=1}^{10^{9}} \frac{1}{n^2}",
    "100000!",
    r"\sqrt{" * 18 + "2" + "}" * 18,
    r"\int_0^1 x^{x^{x^x}} e^{\sin(x^9)} dx",
    "1," * 450,
    "a," * 450 + "b",
    r"\pm" * 300,
    "$" * 900,
    "1" + " " * 900,
    "1" + r"\," * 490 + "x",
    "1" + "$ " * 490 + "x",
    "base " * 190,
    r"\text{ " * 140,
    r"\frac{" * 160,
    "1_{" * 300,
    "<" * 900,
    "and " * 240,
    r"\begin{pmatrix}" + r"1&2\\" * 150,
    "\\" * 999,
    r"\begin{pmatrix}" * 50,
    "\x001",
]


@given(st.text(max_size=60) | st.text("\\{}()[]^_,.;=<>$% 0123456789abdenortxy", max_size=60))
def test_any_text_can_be_read_and_an_answer_equals_itself(text: str) -> None:
    for read in (latex.declared, latex.last_resort, minerva.normalise):
        read(text)
    assert mathematics.decide(text, text) == bool(latex.normalise(text))
    assert mathematics.decide("5", f"{text} q") in {False, None}


def test_rules_come_to_an_end_on_any_answer() -> None:
    for answer in PATHOLOGICAL:
        assert mathematics.decide("x^2+1", answer) in {False, None}
        assert not minerva.equal("5", answer)


def test_pathological_answers_neither_hang_nor_kill() -> None:
    pairs = [(gold, answer) for gold in ("7", "x^2+1") for answer in PATHOLOGICAL]
    scores = [
        mathematics.graded(Answer("x"), gold, answer, outcomes)
        for (gold, answer), outcomes in zip(pairs, outcomes_of(pairs), strict=True)
    ]
    assert {(score.value, score.status) for score in scores} <= {(0.0, "ok"), (None, "ungraded")}
    # The sandbox still answers, and answers right.
    ((after,),) = outcomes_of([("2k+2", "2(k+1)")])
    assert (after.verdict, after.value) == ("pass", True)


def test_long_texts_are_read_to_the_end() -> None:
    for text in (r"\boxed{" * 20_000, r"\( " * 50_000, "$$" * 50_000, "answer is " * 10_000):
        latex.declared(text)
        latex.last_resort(text)
        minerva.equal("5", text)
        assert minerva.final_answer(text) is None


def test_what_takes_too_long_is_ungraded_and_not_wrong() -> None:
    for outcome in (
        Outcome("timeout", "used 2 of 2 CPU seconds"),
        Outcome("crash", "the process ended by signal 9"),
        Outcome("fail", "TypeError: x"),
    ):
        score = mathematics.graded(Answer("x"), r"\sqrt{7}", "9^{9^{9}}", (outcome,))
        assert (score.value, score.status, score.metrics) == (None, "ungraded", {})
        assert outcome.reason in score.reason
    unasked = mathematics.graded(Answer("x"), r"\sqrt{7}", "9^{9^{9}}", ())
    assert (unasked.value, unasked.status) == (None, "ungraded")


def test_an_endless_computation_ends_as_ungraded() -> None:
    pair = (r"\sqrt{7}", "9^{9^{9^{9^9}}}+x-x")
    ((outcome,),) = outcomes_of([pair])
    score = mathematics.graded(Answer("x"), *pair, (outcome,))
    assert score.status in {"ungraded", "ok"}
    assert score.value in {None, 0.0}


def test_hidden_code_has_no_effect(tmp_path: Path) -> None:
    target = tmp_path / "touched"
    codes = [
        f"__import__('os').system('touch {target}')",
        f"\\text{{__import__('os').system('touch {target}')}}",
        f"exec(\"open('{target}','w')\")",
        f"(lambda: open('{target}', 'w'))()",
        f"1 + __import__('pathlib').Path('{target}').touch()",
        f"\\frac{{1}}{{open('{target}','w')}}",
        f"\\operatorname{{open}}('{target}','w')",
        f"eval(compile('open(\"{target}\",\"w\")','','exec'))",
    ]
    answers = [latex.declared(f"So \\boxed{{{code}}}") or "" for code in codes]
    pairs = [(gold, answer) for gold in ("5", "x^2") for answer in answers]
    scores = [
        mathematics.graded(Answer("x"), gold, answer, outcomes).value
        for (gold, answer), outcomes in zip(pairs, outcomes_of(pairs), strict=True)
    ]
    assert all(value in {0.0, None} for value in scores)
    assert not target.exists()


def test_a_check_is_plain_data_with_limits() -> None:
    (check,) = mathematics.checks("2k+2", "2(k+1)")
    assert isinstance(check, Call)
    assert check.arguments == {"gold": "2k+2", "answer": "2(k+1)"}
    assert (check.limits.cpu_s, check.limits.wall_s) == (2.0, 10.0)
    assert check.limits.memory_bytes == 3 << 30


# text, what it declares
DECLARED: list[tuple[str, str | None]] = [
    (r"so \boxed{5}", "5"),
    (r"first \boxed{4}, but then \boxed{5}", "5"),
    (r"$\boxed{3}$ and $\boxed{5}$", "3, 5"),
    (r"$\boxed{3},\boxed{5},\boxed{7}$", "3, 5, 7"),
    (r"\boxed{3} \text{ or } \boxed{5}", "3, 5"),
    ("$\\boxed{5}$\n\nSo $\\boxed{6}$", "6"),
    (r"\boxed{5} \boxed{5}", "5"),
    (r"\boxed{\boxed{5}}", "5"),
    (r"\fbox{5}", "5"),
    (r"\boxed{\frac{1}{2}", r"\frac{1}{2}"),
    (r"\boxed{\left\{ 5 \right.}$ or so", r"\left\{ 5 \right."),
    (r"\boxed{}. The answer is 5.", "5"),
    ("text\n#### 5", "5"),
    ("#### x = 5\nDone.", "x = 5"),
    ("#### $\\frac{1}{2}$", r"$\frac{1}{2}$"),
    ("#### Step 2\nThe answer is $5$.", "5"),
    ("#### 1. Setup\nThe answer is $5$.", "5"),
    ("####\nThe answer is $5$.", "5"),
    (r"\boxed{6}" + "\n#### 5", "6"),
    ("The answer is 5. I hope so.", "5"),
    ("The answer is: $5$ because $2+3=5$", "5"),
    ("The answer is $3$ and $5$.", "3, 5"),
    ("Final Answer: The final answer is $[2,5)$. I hope it is correct.", "[2,5)"),
    ("The answer is\n\\[\n\\frac{1}{2}\n\\]", r"\frac{1}{2}"),
    (r"The answer is \(3.5\).", "3.5"),
    ("The answer is **3.5**.", "3.5"),
    ("I do not know.", None),
    ("", None),
]


@pytest.mark.parametrize(("text", "expected"), DECLARED)
def test_what_a_text_declares(text: str, expected: str | None) -> None:
    assert latex.declared(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("so $x = 5$ holds", "x = 5"),
        ("so $x = 5$ holds in 3 cases", "3"),
        ("we get $4$ and then $5$", "5"),
        ("there are 18 pens", "18"),
        ("nothing", None),
    ],
)
def test_the_last_resort_is_the_last_formula_or_number(text: str, expected: str | None) -> None:
    assert latex.last_resort(text) == expected


@pytest.mark.parametrize(
    ("gold", "answer", "equal"),
    [
        ("5", "x = 5", True),
        ("5", "the number $5$", True),
        (r"\frac12", r"\dfrac{1}{2}", True),
        (r"\frac{1}{2}", "0.5", False),
        (r"864 \mbox{ inches}^2", "864", True),
        ("10,\\!080", "10,080", True),
        (r"\text{Evelyn}", "Evelyn", True),
        (r"90^\circ", "90", True),
        (r"\$36", "36", True),
        (r"2\sqrt3", r"2\sqrt{3}", True),
        (r"3 \text{ and } 5", "3,5", True),
        ("3,5", "5,3", False),
        ("5", None, False),
        ("5", "", False),
    ],
)
def test_minervas_reading(gold: str, answer: str | None, equal: bool) -> None:
    assert minerva.equal(gold, answer) == equal


def test_minervas_sentence_is_read() -> None:
    text = "Final Answer: The final answer is $5$. I hope it is correct.\n\nProblem:"
    assert minerva.final_answer(text) == "$5$"
    assert minerva.final_answer("The final answer is 5.") is None

"""The protocol of Eurus: what is asked, what is read, what is equal, and what strict says."""

import pytest

from eval_suites.grading.suite_rules import score_sample
from eval_suites.problems.asdiv import Problem as Asdiv
from eval_suites.problems.eurus import agrees, reading
from eval_suites.problems.word_problems import Sample as Problem
from eval_suites.registry import find
from eval_suites.requests import Answer, Decoding, FinishReason, Message
from eval_suites.sandbox.checks import Outcome
from eval_suites.scores import Score
from eval_suites.suites.math import Sample
from eval_suites.suites.theoremqa import Sample as Typed

SUITE = find("svamp:eurus")
SAMPLE = Problem("s-1", "Kim has 100 pens and sells half. How many are left?", "50", "subtraction")
CHAT = (
    "Solve this problem step by step. Simplify your result as far as possible and write it "
    "inside \\boxed{}.\n\n"
    "Kim has 100 pens and sells half. How many are left?"
)
NAMES = (
    "asdiv:eurus",
    "gsm_plus:eurus",
    "gsm_plus:mini-eurus",
    "math:eurus",
    "svamp:eurus",
    "theoremqa:eurus",
)


#: The same problem in the form of each suite's samples.
SAMPLES = {
    "asdiv:eurus": Asdiv("0", SAMPLE.question, SAMPLE.question, "50", "number"),
    "gsm_plus:eurus": SAMPLE,
    "gsm_plus:mini-eurus": SAMPLE,
    "math:eurus": Sample("0", SAMPLE.question, "50", "50", "3", "subtraction"),
    "svamp:eurus": SAMPLE,
    "theoremqa:eurus": Typed("a", SAMPLE.question, 50, "integer"),
}


def score(text: str, finish: FinishReason = "stop", name: str = SUITE.name) -> Score:
    return score_sample(find(name), SAMPLES[name], (Answer(text, finish),))


@pytest.mark.parametrize("name", NAMES)
def test_golden_chat_prompt(name: str) -> None:
    (request,) = find(name).ask(SAMPLES[name], ())
    assert request.messages == (Message("user", CHAT),)
    assert (request.text, request.prefix, request.decoding) == (None, "", Decoding(max_tokens=1024))


@pytest.mark.parametrize("name", NAMES)
def test_a_variant_asks_in_its_own_way_and_keeps_the_rest(name: str) -> None:
    suite = find(name)
    assert (suite.name, suite.headline) == (name, "accuracy")
    assert suite.sampling.decoding == Decoding(max_tokens=1024)
    assert suite.version == ("3" if name == "asdiv:eurus" else "2")


# text, how it ended, what is read, accuracy, accuracy_strict, status; the answer is 50
VERDICTS: list[tuple[str, FinishReason, str | None, float, float, str]] = [
    (r"100 / 2 = 50, so \boxed{50}.", "stop", "50", 1, 1, "ok"),
    (r"\boxed{0.5}", "stop", "0.5", 1, 0, "ok"),
    (r"\boxed{5000}", "stop", "5000", 1, 0, "ok"),
    (r"\boxed{50\%}", "stop", r"50\%", 1, 1, "ok"),
    (r"\boxed{50.004}", "stop", "50.004", 1, 0, "ok"),
    (r"\boxed{50.006}", "stop", "50.006", 0, 0, "ok"),
    (r"\boxed{500}", "stop", "500", 0, 0, "ok"),
    (r"\boxed{5,000}", "stop", "5,000", 1, 0, "ok"),
    (r"\boxed{-50}", "stop", "-50", 0, 0, "ok"),
    (r"\boxed{\frac{100}{2}}", "stop", r"\frac{100}{2}", 1, 1, "ok"),
    (r"\boxed{\$50}", "stop", r"\$50", 1, 1, "ok"),
    (r"\boxed{50 \text{ pens}}", "stop", r"50 \text{ pens}", 1, 1, "ok"),
    (r"\boxed{x = 50}", "stop", "50", 1, 1, "ok"),
    (r"\boxed{9} no, \boxed{50}", "stop", "50", 1, 1, "ok"),
    (r"\boxed{50} no, \boxed{9}", "stop", "9", 0, 0, "ok"),
    (r"\boxed{50}, \boxed{9}. The answer is \boxed{50}", "stop", "50", 1, 1, "ok"),
    (r"\boxed{50}. Answer: 9", "stop", "9", 0, 1, "ok"),
    (r"\boxed{50 \text{ or } 9}", "stop", r"50 \text{ or } 9", 0, 0, "ok"),
    ("The answer is 50. It was easy.", "stop", "50", 1, 1, "ok"),
    ("**Answer:** 50", "stop", "50", 1, 0, "ok"),
    ("So 50 is the answer.", "stop", "So 50", 0, 0, "ok"),
    ("We get 50. It is the answer.", "stop", "50", 1, 0, "ok"),
    ("100 / 2 = 50", "stop", "50", 1, 0, "ok"),
    ("There are 50 pens.", "stop", "50 pens", 1, 0, "ok"),
    ("50", "stop", None, 0, 0, "unparsed"),
    ("#### 50", "stop", None, 0, 1, "unparsed"),
    ("I cannot help with that.", "stop", None, 0, 0, "unparsed"),
    ("```\n9\n```\n```\nThe answer is 50\n```", "stop", "50\n```", 0, 1, "ok"),
    ("100 / 2 = 50, and the", "length", "50, and the", 0, 0, "truncated"),
    (r"so \boxed{50", "length", "50", 1, 1, "truncated"),
    ("", "stop", None, 0, 0, "empty"),
]


@pytest.mark.parametrize(
    "name", [name for name in NAMES if name not in ("math:eurus", "theoremqa:eurus")]
)
@pytest.mark.parametrize(("text", "finish", "read", "loose", "strict", "status"), VERDICTS)
def test_verdicts(
    name: str,
    text: str,
    finish: FinishReason,
    read: str | None,
    loose: float,
    strict: float,
    status: str,
) -> None:
    given = score(text, finish, name)
    assert (given.extracted, given.value, given.status) == (read, loose, status)
    assert given.metrics == {
        "accuracy": loose,
        "accuracy_strict": strict,
        f"{'number' if name == 'asdiv:eurus' else 'subtraction'}/accuracy": loose,
    }


# The same of MATH, whose strict reading also takes the last formula, and knows units.
MATH_VERDICTS: list[tuple[str, FinishReason, str | None, float, float, str]] = [
    (r"100 / 2 = 50, so \boxed{50}.", "stop", "50", 1, 1, "ok"),
    (r"\boxed{0.5}", "stop", "0.5", 1, 0, "ok"),
    (r"\boxed{5{,}000}", "stop", "5{,}000", 1, 0, "ok"),
    (r"\boxed{-50}", "stop", "-50", 0, 0, "ok"),
    (r"\boxed{50^\circ}", "stop", r"50^\circ", 1, 1, "ok"),
    (r"\boxed{\dfrac{100}2}", "stop", r"\dfrac{100}2", 1, 1, "ok"),
    (r"\boxed{x = 50}", "stop", "50", 1, 1, "ok"),
    (r"\boxed{50 \text{ pens}}", "stop", r"50 \text{ pens}", 1, 1, "ok"),
    (r"\boxed{49}, \boxed{50}", "stop", "50", 1, 0, "ok"),
    (r"\boxed{50} no, rather \boxed{9}", "stop", "9", 0, 0, "ok"),
    ("We get $50$", "stop", "$50$", 1, 1, "ok"),
    ("The answer is $50$. It was easy.", "stop", "$50$", 1, 1, "ok"),
    ("so\n#### 50", "stop", None, 0, 1, "unparsed"),
    ("```\n9\n```\n```\nThe answer is $50$\n```", "stop", "$50$\n```", 0, 1, "ok"),
    (r"so \boxed{50", "length", "50", 1, 1, "truncated"),
    ("100 / 2 = 50, and the", "length", "50, and the", 0, 0, "truncated"),
    ("I cannot help with that.", "stop", None, 0, 0, "unparsed"),
    ("", "stop", None, 0, 0, "empty"),
]
# The same of TheoremQA, whose gold is the integer 50: upstream's rule rounds, and knows no factor.
TYPED_VERDICTS: list[tuple[str, FinishReason, str | None, float, float, str]] = [
    (r"100 / 2 = 50, so \boxed{50}.", "stop", "50", 1, 1, "ok"),
    (r"\boxed{50.4}", "stop", "50.4", 1, 0, "ok"),
    (r"\boxed{50.6}", "stop", "50.6", 0, 0, "ok"),
    (r"\boxed{0.5}", "stop", "0.5", 0, 0, "ok"),
    (r"\boxed{5,000}", "stop", "5,000", 0, 0, "ok"),
    (r"\boxed{-50}", "stop", "-50", 0, 0, "ok"),
    (r"\boxed{\frac{100}{2}}", "stop", r"\frac{100}{2}", 1, 1, "ok"),
    (r"\boxed{\sqrt{2500}}", "stop", r"\sqrt{2500}", 1, 1, "ok"),
    (r"\boxed{x = 50}", "stop", "50", 1, 1, "ok"),
    (r"\boxed{9} no, \boxed{50}", "stop", "50", 1, 1, "ok"),
    (r"\boxed{50} no, \boxed{9}", "stop", "9", 0, 0, "ok"),
    (r"\boxed{50, 9}", "stop", "50, 9", 0, 0, "ok"),
    ("The answer is 50. It was easy.", "stop", "50", 1, 1, "ok"),
    ("There are 50 pens.", "stop", "50 pens", 1, 0, "ok"),
    ("#### 50", "stop", None, 0, 1, "unparsed"),
    ("```\n9\n```\n```\nThe answer is 50\n```", "stop", "50\n```", 1, 1, "ok"),
    (r"so \boxed{50", "length", "50", 1, 1, "truncated"),
    ("I cannot help with that.", "stop", None, 0, 0, "unparsed"),
    ("", "stop", None, 0, 0, "empty"),
]


@pytest.mark.parametrize(
    ("name", "text", "finish", "read", "loose", "strict", "status"),
    [
        *(("math:eurus", *row) for row in MATH_VERDICTS),
        *(("theoremqa:eurus", *row) for row in TYPED_VERDICTS),
    ],
)
def test_verdicts_of_math_and_theoremqa(
    name: str,
    text: str,
    finish: FinishReason,
    read: str | None,
    loose: float,
    strict: float,
    status: str,
) -> None:
    given = score(text, finish, name)
    assert (given.extracted, given.value, given.status) == (read, loose, status)
    metrics = dict(given.metrics)
    assert (metrics.pop("accuracy"), metrics.pop("accuracy_strict")) == (loose, strict)
    assert set(metrics.values()) == {loose}


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
    assert score(text).value == 0.0


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


@pytest.mark.parametrize(
    ("text", "loose", "strict"),
    [(r"\boxed{0.34}", 1, 0), (r"\boxed{0.36}", 0, 0), (r"\boxed{33}", 0, 0), ("It is 0.33", 1, 0)],
)
def test_theoremqa_forgives_four_per_cent_and_no_factor(
    text: str, loose: float, strict: float
) -> None:
    sample = Typed("a", "How large is x?", 0.33, "float")
    metrics = score_sample(find("theoremqa:eurus"), sample, (Answer(text),)).metrics
    assert metrics == {"accuracy": loose, "accuracy_strict": strict, "float/accuracy": loose}


def test_a_missing_premise_must_be_answered_with_the_word() -> None:
    sample = Problem("1", "q", "None", "critical_thinking")
    suite = find("gsm_plus:mini-eurus")
    for text, loose, strict in (
        (r"\boxed{None}", 1, 1),
        (r"\boxed{\text{Cannot be determined}}", 0, 1),
        (r"\boxed{9}", 0, 0),
    ):
        metrics = score_sample(suite, sample, (Answer(text),)).metrics
        assert (metrics["accuracy"], metrics["accuracy_strict"]) == (loose, strict)


SUBSETS = {
    "asdiv:eurus": ["number/accuracy"],
    "math:eurus": ["level_3/accuracy", "subtraction/accuracy"],
    "theoremqa:eurus": ["integer/accuracy"],
}


@pytest.mark.parametrize("name", NAMES)
def test_metrics_are_means_over_all_samples(name: str) -> None:
    near = "50.3" if name == "theoremqa:eurus" else "0.5"
    texts = (r"\boxed{50}", rf"\boxed{{{near}}}", "no")
    scores = [score(text, name=name) for text in texts]
    assert find(name).metrics.aggregate([*scores, score("x", "filtered", name)]) == {
        "accuracy": 2 / 3,
        "accuracy_strict": 1 / 3,
        **dict.fromkeys(SUBSETS.get(name, ["subtraction/accuracy"]), 2 / 3),
    }

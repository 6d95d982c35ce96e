"""The cases of GSM-Plus: the gold response is upstream's solution, its twin another number.

Where a premise is missing, the solution of the problem that has it is the twin.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from eval_suites.problems.one_turn import Sample
from eval_suites.registry import find
from eval_suites.requests import Decoding, Message, Request
from eval_suites.suites.gsm_plus import MINI_FILE, TEST_FILE, UNANSWERABLE

from .cases import (
    Aggregation,
    Completions,
    GoldCase,
    GoldCases,
    SuiteCases,
    answered,
    boxed,
    json_lines,
    larger,
    rows,
)
from .eurus import cases_of_variant

SAMPLE = Sample("0", "Kim has 0.5 pens and buys 9. How many?", "9.5", "digit_expansion")
LACKING = Sample("1", "Kim has some pens and buys 9. How many?", "None", "critical_thinking")
CHAT = (
    "Kim has 0.5 pens and buys 9. How many?\n\n"
    "Work through the problem step by step. Then give the final number alone inside \\boxed{}."
)
METRICS = ("accuracy", "accuracy_flexible")
COMPLETIONS = Completions(
    SAMPLE,
    METRICS,
    [
        (r"0.5 + 9 = \boxed{9.5}", "stop", "9.5", 1, 1, "ok"),
        (r"\boxed{19/2}", "stop", "19/2", 1, 1, "ok"),
        (r"\boxed{\dfrac{19}{2}}", "stop", "19/2", 1, 1, "ok"),
        (r"\boxed{9.5 \text{ pens}}", "stop", "9.5", 1, 1, "ok"),
        (r"\boxed{-9.5}", "stop", "-9.5", 0, 0, "ok"),
        (r"\boxed{9,500}", "stop", "9500", 0, 0, "ok"),
        (r"\boxed{950\%}", "stop", "950", 0, 0, "ok"),
        (r"\boxed{9.50}", "stop", "9.50", 1, 1, "ok"),
        (r"\boxed{9} no: \boxed{9.5}", "stop", "9.5", 1, 1, "ok"),
        (r"\boxed{9.5} no: \boxed{9}", "stop", "9", 0, 0, "ok"),
        ("#### 9.5", "stop", "9.5", 1, 1, "ok"),
        ("The answer is 9.5.", "stop", "9.5", 1, 1, "ok"),
        ("She has 9.5 pens.", "stop", "9.5", 1, 1, "ok"),
        ("It cannot be determined.", "stop", None, 0, 0, "unparsed"),
        ("I cannot help with that.", "stop", None, 0, 0, "unparsed"),
        ("```\n9\n```\n```\n#### 9.5\n```", "stop", "9.5", 1, 1, "ok"),
        ("0.5 + 9 =", "length", None, 0, 0, "truncated"),
        ("", "stop", None, 0, 0, "empty"),
    ],
    subsets=("digit_expansion/accuracy",),
)
REFUSALS = Completions(
    LACKING,
    METRICS,
    [
        (r"\boxed{\text{Cannot be determined}}", "stop", "None", 1, 1, "ok"),
        ("#### None", "stop", "None", 1, 1, "ok"),
        ("The number of pens that she has is not given.", "stop", "None", 1, 1, "ok"),
        ("The number is not given, but say 1. \\boxed{10}", "stop", "10", 0, 1, "ok"),
        (r"\boxed{9}", "stop", "9", 0, 0, "ok"),
        ("She has 9 pens.", "stop", None, 0, 0, "unparsed"),
        ("I cannot help with that.", "stop", None, 0, 0, "unparsed"),
        ("The number is not given", "length", "None", 1, 1, "truncated"),
        ("", "stop", None, 0, 0, "empty"),
    ],
    subsets=("critical_thinking/accuracy",),
)
#: Under the protocol of Eurus a missing premise must be answered with the word None.
LOOSE_REFUSALS = Completions(
    Sample("1", "q", "None", "critical_thinking"),
    ("accuracy", "accuracy_strict"),
    [
        (r"\boxed{None}", "stop", "None", 1, 1, "ok"),
        (r"\boxed{\text{Cannot be determined}}", "stop", "determined}", 0, 1, "ok"),
        (r"\boxed{9}", "stop", "9", 0, 0, "ok"),
    ],
    subsets=("critical_thinking/accuracy",),
)
SUBSETS = (
    "numerical_substitution", "digit_expansion", "integer_decimal_fraction_conversion",
    "adding_operation", "reversing_operation", "problem_understanding", "distraction_insertion",
    "critical_thinking",
)  # fmt: skip
ROW = {"question": "q", "answer": "3", "perturbation_type": "digit expansion"}
ODD = ROW | {"answer": "None", "perturbation_type": "integer-decimal-fraction conversion"}
TEXT = json_lines(ROW, ODD)
SAMPLES = (
    Sample("0", "q", "3", "digit_expansion"),
    Sample("1", "q", "None", "integer_decimal_fraction_conversion"),
)


def _solutions(folder: Path, name: str, file: str) -> Iterator[GoldCase]:
    for sample, row in zip(find(name).load(folder), rows(folder, file), strict=True):
        lacking = sample.gold == UNANSWERABLE
        twin = row["seed_solution"] if lacking else f"#### {sample.gold}1"
        yield GoldCase(sample, row["solution"], twin)


def _boxed(folder: Path, name: str) -> Iterator[GoldCase]:
    """The gold in a box: the protocol of Eurus knows no `####`."""
    for sample in find(name).load(folder):
        number = "1" if sample.gold == UNANSWERABLE else larger(sample.gold)
        yield GoldCase(sample, boxed(sample.gold), boxed(number))


def _cases(name: str, file: str, samples: int) -> SuiteCases:
    return SuiteCases(
        suites=(name,),
        sample=SAMPLE,
        prompt=Request(messages=(Message("user", CHAT),), decoding=Decoding(max_tokens=512)),
        completions=(COMPLETIONS, REFUSALS),
        files={file: TEXT},
        samples=SAMPLES,
        malformed=[
            (file, json_lines(ROW, row), message)
            for row, message in (
                ({"question": "q", "answer": "3"}, "row 1: 'perturbation_type' is missing"),
                (ROW | {"answer": "three"}, "row 1: 'answer' is neither"),
                (ROW | {"answer": "3 and 4"}, "row 1: 'answer' is neither"),
                (ROW | {"answer": 3}, "row 1: 'answer' is missing or no text"),
            )
        ],
        aggregations=(
            Aggregation(
                [
                    answered("0", SAMPLE, "#### 9.5"),
                    answered("1", SAMPLE, "It was 9, and 9.5"),
                    answered("2", LACKING, "#### None"),
                ],
                {
                    "accuracy": 2 / 3,
                    "accuracy_flexible": 1.0,
                    "critical_thinking/accuracy": 1.0,
                    "digit_expansion/accuracy": 1 / 2,
                },
            ),
        ),
        gold=(
            GoldCases(suite=name, cases=partial(_solutions, name=name, file=file), samples=samples),
        ),
        parts=("subset", dict.fromkeys(SUBSETS, 300)) if file == MINI_FILE else ("", {}),
    )


def _eurus_cases(name: str, file: str, samples: int) -> SuiteCases:
    gold = GoldCases(suite=name, cases=partial(_boxed, name=name), samples=samples)
    return cases_of_variant(
        name, files={file: TEXT}, samples=SAMPLES, gold=gold, completions=(LOOSE_REFUSALS,)
    )


CASES = (
    _cases("gsm_plus", TEST_FILE, 10552),
    _cases("gsm_plus:mini", MINI_FILE, 2400),
    _eurus_cases("gsm_plus:eurus", TEST_FILE, 10552),
    _eurus_cases("gsm_plus:mini-eurus", MINI_FILE, 2400),
)

"""The cases of TheoremQA: the gold in a box, and a wrong answer of the same type as its twin."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from eval_suites.grading.typed import Gold
from eval_suites.registry import find
from eval_suites.requests import Decoding, Message, Request
from eval_suites.suites.theoremqa import FILE, Sample

from .cases import (
    Aggregation,
    Completions,
    GoldCase,
    GoldCases,
    Row,
    SuiteCases,
    answered,
    boxed,
)
from .eurus import QUESTION, cases_of_variant

SAMPLE = Sample("kim/pens_1.json", "How large is x?", 0.33, "float")
CHAT = (
    "How large is x?\n\n"
    "Work through the problem step by step. Then give the final answer alone inside \\boxed{}: "
    "a number, a list of numbers such as [1, 2], True or False, or the letter of an option "
    "such as (a)."
)
METRICS = ("accuracy", "official")
COMPLETIONS = Completions(
    SAMPLE,
    METRICS,
    [
        (r"So \boxed{0.33}", "stop", "0.33", 1, 1, "ok"),
        (r"\boxed{\frac{1}{3}}", "stop", r"\frac{1}{3}", 1, 1, "ok"),
        (r"\boxed{0.34}", "stop", "0.34", 0, 1, "ok"),
        (r"\boxed{0.36}", "stop", "0.36", 0, 0, "ok"),
        (r"\boxed{33\%}", "stop", r"33\%", 1, 1, "ok"),
        (r"\boxed{-0.33}", "stop", "-0.33", 0, 0, "ok"),
        (
            r"\boxed{3.3 \times 10^{-1} \text{ m}}",
            "stop",
            r"3.3 \times 10^{-1} \text{ m}",
            1,
            1,
            "ok",
        ),
        (r"\boxed{x = 0.33}", "stop", "x = 0.33", 1, 1, "ok"),
        (r"\boxed{0.5} no, \boxed{0.33}", "stop", "0.33", 1, 1, "ok"),
        (r"\boxed{0.33} no, \boxed{0.5}", "stop", "0.5", 0, 0, "ok"),
        (r"\boxed{0.33, 0.5}", "stop", None, 0, 0, "unparsed"),
        (r"\boxed{\text{True}}", "stop", None, 0, 0, "unparsed"),
        ("#### 0.33", "stop", "0.33", 1, 1, "ok"),
        ("The answer is 0.33. It was hard.", "stop", "0.33", 1, 1, "ok"),
        (r"The answer is \(1/3\).", "stop", r"\(1/3\)", 1, 1, "ok"),
        ("It is 0.33", "stop", None, 0, 1, "unparsed"),
        ("I cannot help with that.", "stop", None, 0, 0, "unparsed"),
        ("x is 0.33 since", "length", None, 0, 1, "truncated"),
        ("```\n1\n```\n```\n#### 0.33\n```", "stop", "0.33", 1, 1, "ok"),
        ("", "stop", None, 0, 0, "empty"),
    ],
    subsets=("float/accuracy",),
)


def _typed(gold: Gold, kind: str, *rows: Row) -> Completions:
    return Completions(
        Sample("a", "q", gold, kind), METRICS, rows, (f"{kind.replace(' ', '_')}/accuracy",)
    )


#: Upstream's rule where nothing is declared or brackets are missing.
UNDECLARED = (
    _typed(
        True,
        "bool",
        ("So it is true", "stop", None, 0, 1, "unparsed"),
        ("It is true.\nThat is all.", "stop", None, 0, 0, "unparsed"),
    ),
    _typed(
        "(b)",
        "option",
        ("I choose (b)", "stop", None, 0, 1, "unparsed"),
        (r"\boxed{b}", "stop", "b", 1, 0, "ok"),
    ),
    _typed((0, 5), "list of integer", ("It is [0, 5]", "stop", None, 0, 0, "unparsed")),
)
#: The gold is the integer 50: upstream's rule rounds, and forgives no factor.
EURUS_ROWS: list[Row] = [
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
#: Four per cent are forgiven.
EURUS_FLOAT = Completions(
    Sample("a", "How large is x?", 0.33, "float"),
    ("accuracy", "accuracy_strict"),
    [
        (r"\boxed{0.34}", "stop", "0.34", 1, 0, "ok"),
        (r"\boxed{0.36}", "stop", "0.36", 0, 0, "ok"),
        (r"\boxed{33}", "stop", "33", 0, 0, "ok"),
        ("It is 0.33", "stop", "0.33", 1, 0, "ok"),
    ],
    subsets=("float/accuracy",),
)


def _row(answer: object, kind: str) -> dict[str, object]:
    return {"id": "a", "Question": "q", "Answer": answer, "Answer_type": kind, "Picture": None}


def _file(*rows: object) -> str:
    return json.dumps(rows)


TYPES = (
    (3, "integer", 3),
    (3, "float", 3.0),
    (True, "bool", True),
    ("(a)", "option", "(a)"),
    ([1, 2], "list of integer", (1, 2)),
    ([1, 2.5], "list of float", (1.0, 2.5)),
)
OTHER_TYPES = (
    (True, "integer"), ("3", "float"), (1, "bool"), (None, "option"), (3, "list of integer"),
    ([], "list of float"), ([1, "2"], "list of float"), ([3], "float"), (3.5, "integer"),
    ([1, 2.5], "list of integer"), (3, "complex"),
)  # fmt: skip
FILES = {FILE: _file(*(_row(answer, kind) for answer, kind, _ in TYPES))}
SAMPLES = tuple(Sample("a", "q", gold, kind) for _, kind, gold in TYPES)


def _cases(folder: Path, name: str) -> Iterator[GoldCase]:
    for sample in find(name).load(folder):
        gold = list(sample.gold) if isinstance(sample.gold, tuple) else sample.gold
        yield GoldCase(sample, boxed(gold), boxed(_twin(sample.gold)))


def _twin(gold: Gold) -> object:
    """A wrong answer of the same type, wrong by upstream's rule too."""
    if isinstance(gold, bool):
        return not gold
    if isinstance(gold, str):
        return "(b)" if gold == "(a)" else "(a)"
    if isinstance(gold, tuple):
        return [*gold[:-1], abs(gold[-1]) * 2 + 1]
    return abs(gold) * 2 + 1


CASES = (
    SuiteCases(
        suites=("theoremqa",),
        sample=SAMPLE,
        prompt=Request(messages=(Message("user", CHAT),), decoding=Decoding(max_tokens=1024)),
        completions=(COMPLETIONS, *UNDECLARED),
        files=FILES,
        samples=SAMPLES,
        malformed=[
            *(
                (
                    FILE,
                    _file(_row(3, "integer"), _row(answer, kind)),
                    f"row 1: 'Answer' is no {kind}",
                )
                for answer, kind in OTHER_TYPES
            ),
            (FILE, "{}", "no JSON array"),
            (FILE, _file({"id": "a"}), "row 0: 'Question' is missing or no text"),
        ],
        aggregations=(
            Aggregation(
                [
                    answered("0", SAMPLE, "#### 0.33"),
                    answered("1", SAMPLE, "#### 0.34"),
                    answered("2", Sample("b", "q", (1, 2), "list of integer"), "#### [2, 1]"),
                ],
                {
                    "accuracy": 2 / 3,
                    "official": 1.0,
                    "float/accuracy": 1 / 2,
                    "list_of_integer/accuracy": 1.0,
                },
            ),
        ),
        gold=(GoldCases(suite="theoremqa", cases=partial(_cases, name="theoremqa"), samples=800),),
        parts=(
            "kind",
            {
                "float": 378,
                "integer": 216,
                "bool": 115,
                "list of integer": 61,
                "option": 18,
                "list of float": 12,
            },
        ),
    ),
    cases_of_variant(
        "theoremqa:eurus",
        sample=Sample("a", QUESTION, 50, "integer"),
        rows=EURUS_ROWS,
        subsets=("integer/accuracy",),
        completions=(EURUS_FLOAT,),
        near="50.3",
        files=FILES,
        samples=SAMPLES,
        gold=GoldCases(
            suite="theoremqa:eurus", cases=partial(_cases, name="theoremqa:eurus"), samples=800
        ),
    ),
)

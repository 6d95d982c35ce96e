"""The cases of SVAMP: the gold number in a box, and one with a seven in front as its twin."""

import json
from collections.abc import Iterator
from pathlib import Path

from eval_suites.problems.one_turn import Sample
from eval_suites.registry import find
from eval_suites.requests import Decoding, Message, Request
from eval_suites.suites.svamp import FILE

from .cases import (
    Aggregation,
    Completions,
    GoldCase,
    GoldCases,
    SuiteCases,
    answered,
    boxed,
    larger,
)
from .eurus import cases_of_variant

SAMPLE = Sample("s-1", "Kim has 7 pens. How many more does she need for 10?", "3", "subtraction")
CHAT = (
    "Kim has 7 pens. How many more does she need for 10?\n\n"
    "Work through the problem step by step. Then give the final number alone inside \\boxed{}."
)
COMPLETIONS = Completions(
    SAMPLE,
    ("accuracy", "accuracy_flexible"),
    [
        (r"10 - 7 = 3, so \boxed{3}.", "stop", "3", 1, 1, "ok"),
        (r"\boxed{3.0}", "stop", "3.0", 1, 1, "ok"),
        (r"\boxed{3 \text{ pens}}", "stop", "3", 1, 1, "ok"),
        (r"\boxed{10 - 7 = 3}", "stop", "3", 1, 1, "ok"),
        (r"\boxed{\frac{6}{2}}", "stop", "6/2", 1, 1, "ok"),
        (r"\boxed{-3}", "stop", "-3", 0, 0, "ok"),
        (r"\boxed{3,000}", "stop", "3000", 0, 0, "ok"),
        (r"\boxed{17} and then \boxed{3}", "stop", "3", 1, 1, "ok"),
        (r"\boxed{3} and then \boxed{17}", "stop", "17", 0, 0, "ok"),
        (r"\boxed{3 \text{ or } 17}", "stop", None, 0, 0, "unparsed"),
        (r"She needs \boxed{3} more, as 7 + 3 = 10.", "stop", "3", 1, 0, "ok"),
        ("10 - 7 = 3\n#### 3", "stop", "3", 1, 1, "ok"),
        ("The answer is 3.", "stop", "3", 1, 1, "ok"),
        ("She needs 3 more.", "stop", "3", 1, 1, "ok"),
        ("I cannot help with that.", "stop", None, 0, 0, "unparsed"),
        ("10 - 7 =", "length", None, 0, 0, "truncated"),
        ("```\n17\n```\n```\nThe answer is 3\n```", "stop", "3", 1, 1, "ok"),
        ("", "stop", None, 0, 0, "empty"),
    ],
    subsets=("subtraction/accuracy",),
)
ROW = {
    "ID": "s-1",
    "Body": "Kim has 7 pens",
    "Question": "How many more does she need for 10?",
    "Equation": "( 10.0 - 7.0 )",
    "Answer": 3.0,
    "Type": "Subtraction",
}
#: A body with its full stop, and the misspelt type.
ODD = ROW | {"ID": "s-2", "Body": " It is so. ", "Type": "Common-Divison", "Answer": 1.5}
ODD_SAMPLE = Sample(
    "s-2", "It is so. How many more does she need for 10?", "1.5", "common_division"
)


def _cases(folder: Path, name: str) -> Iterator[GoldCase]:
    for sample in find(name).load(folder):
        yield GoldCase(sample, boxed(sample.gold), boxed(larger(sample.gold)))


CASES = (
    SuiteCases(
        suites=("svamp",),
        sample=SAMPLE,
        prompt=Request(messages=(Message("user", CHAT),), decoding=Decoding(max_tokens=512)),
        completions=(COMPLETIONS,),
        files={FILE: json.dumps([ROW, ODD])},
        samples=(SAMPLE, ODD_SAMPLE),
        malformed=[
            (FILE, json.dumps(data), message)
            for data, message in (
                ({"rows": []}, "no JSON array"),
                ([ROW, 3], "row 1: no JSON object"),
                ([ROW, {**ROW, "Body": None}], "row 1: 'Body' is missing or no text"),
                ([ROW, {**ROW, "Answer": "3"}], "row 1: 'Answer' is no number"),
                ([ROW, {**ROW, "Answer": True}], "row 1: 'Answer' is no number"),
            )
        ],
        aggregations=(
            Aggregation(
                [
                    answered("0", SAMPLE, r"\boxed{3}"),
                    answered("1", SAMPLE, "It was 9, and 3"),
                    answered("2", SAMPLE, "no"),
                    answered("3", Sample("s-2", "q", "4", "addition"), "#### 4"),
                ],
                {
                    "accuracy": 2 / 4,
                    "accuracy_flexible": 3 / 4,
                    "addition/accuracy": 1.0,
                    "subtraction/accuracy": 1 / 3,
                },
            ),
        ),
        gold=(GoldCases(suite="svamp", cases=lambda f: _cases(f, "svamp"), samples=1000),),
        parts=(
            "subset",
            {"subtraction": 531, "addition": 195, "common_division": 166, "multiplication": 108},
        ),
    ),
    cases_of_variant(
        "svamp:eurus",
        files={FILE: json.dumps([ROW])},
        samples=(SAMPLE,),
        gold=GoldCases(suite="svamp:eurus", cases=lambda f: _cases(f, "svamp:eurus"), samples=1000),
    ),
)

"""The cases of GSM8K: the gold response is upstream's solution, its twin has a digit more."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from eval_suites.problems.one_turn import Sample
from eval_suites.registry import find
from eval_suites.requests import Decoding, Message, Request
from eval_suites.suites.gsm8k import EXAMPLES_FILE, TEST_FILE, TRAIN_FILE

from .cases import (
    Aggregation,
    Completions,
    GoldCase,
    GoldCases,
    SuiteCases,
    answered,
    filtered,
    json_lines,
    rows,
)

SAMPLE = Sample(
    id="0",
    question="Kim has 9 pens and buys 9 more. How many pens are there?",
    gold="18",
    examples="Q: x\nA: y\n\n",
)
CHAT = (
    "Kim has 9 pens and buys 9 more. How many pens are there?\n\n"
    "Work through the problem step by step. Then give the final number alone inside \\boxed{}."
)
TEXT = "Q: x\nA: y\n\nQ: Kim has 9 pens and buys 9 more. How many pens are there?\nA:"
METRICS = ("accuracy", "accuracy_flexible")
COMPLETIONS = Completions(
    SAMPLE,
    METRICS,
    [
        (r"9 + 9 = 18. \boxed{18}", "stop", "18", 1, 1, "ok"),
        (r"\boxed{18.00}", "stop", "18.00", 1, 1, "ok"),
        (r"\boxed{\$18}", "stop", "18", 1, 1, "ok"),
        (r"\boxed{19}, though 18 is near", "stop", "19", 0, 1, "ok"),
        (r"\boxed{9} then \boxed{18}", "stop", "18", 1, 1, "ok"),
        (r"\boxed{18} then \boxed{9}", "stop", "9", 0, 0, "ok"),
        (r"\boxed{18} pens, with 9 bought", "stop", "18", 1, 0, "ok"),
        ("9 + 9 = 18\n#### 18", "stop", "18", 1, 1, "ok"),
        ("The answer is 18.", "stop", "18", 1, 1, "ok"),
        ("The answer is -18.", "stop", "-18", 0, 0, "ok"),
        ("The answer is 1,800%.", "stop", "1800", 0, 0, "ok"),
        (r"\boxed{18{,}000}", "stop", "18000", 0, 0, "ok"),
        (r"9 + 9 = \boxed{18\text{ pens}}", "stop", "18", 1, 1, "ok"),
        (r"\boxed{\dfrac{36}{2}}", "stop", "36/2", 1, 1, "ok"),
        (r"\boxed{9 \text{ or } 18}", "stop", None, 0, 1, "unparsed"),
        (r"so \boxed{18", "length", "18", 1, 1, "truncated"),
        ("#### 1. Add\n9 + 9 = 18\nThe answer is 18.", "stop", "18", 1, 1, "ok"),
        ("#### $18", "stop", "18", 1, 1, "ok"),
        ("The answer is not 18.", "stop", None, 0, 1, "unparsed"),
        ("There are 18 pens.", "stop", "18", 1, 1, "ok"),
        ("There are 9 old pens and 18 in all.", "stop", None, 0, 1, "unparsed"),
        ("I cannot help with that.", "stop", None, 0, 0, "unparsed"),
        ("9 + 9 = 18, so the", "length", None, 0, 1, "truncated"),
        (r"so \boxed{18} and, by the way,", "length", "18", 1, 1, "truncated"),
        ("```\n18\n```\n```\nThe answer is 18\n```", "stop", "18", 1, 1, "ok"),
        ("", "stop", None, 0, 0, "empty"),
    ],
)
#: Thousands separators and signs.
LARGE = Completions(
    Sample("0", "q", "2125"),
    METRICS,
    [
        (r"\boxed{2,125}", "stop", "2125", 1, 1, "ok"),
        (r"\boxed{\$2{,}125.00}", "stop", "2125.00", 1, 1, "ok"),
        ("#### 2,125", "stop", "2125", 1, 1, "ok"),
        ("The answer is $2 125.", "stop", "2125", 1, 1, "ok"),
        ("The answer is 2,12,5.", "stop", None, 0, 0, "unparsed"),
    ],
)
NEGATIVE = Completions(
    Sample("0", "q", "-3"),
    METRICS,
    [
        (r"\boxed{-3}", "stop", "-3", 1, 1, "ok"),
        ("The answer is \u22123.", "stop", "-3", 1, 1, "ok"),
        ("#### 3", "stop", "3", 0, 0, "ok"),
    ],
)
#: A text model's invention after its answer does not count.
CONTINUED = Completions(
    SAMPLE,
    METRICS,
    [
        (
            " 9 + 9 = 18. The answer is 18.\n\nQ: Sam has 2 cats.\nA: The answer is 2.",
            "stop",
            "18",
            1,
            1,
            "ok",
        )
    ],
)
AGGREGATION = Aggregation(
    [
        answered("0", SAMPLE, r"\boxed{18}"),
        answered("1", SAMPLE, "It was 9, and 18"),
        answered("2", SAMPLE, "no"),
        filtered("3", SAMPLE),
    ],
    {"accuracy": 1 / 3, "accuracy_flexible": 2 / 3},
)
ROW = {"question": "q", "answer": "9 + 9 = <<9+9=18>>18\n#### 1,018"}
EXAMPLES = "fewshot_config: {samples: [{question: a, target: b}, {question: c, target: d}]}"
FILE = json_lines(ROW, ROW)


def _cases(folder: Path, name: str, file: str = TEST_FILE) -> Iterator[GoldCase]:
    for sample, row in zip(find(name).load(folder), rows(folder, file), strict=True):
        yield GoldCase(sample, row["answer"], f"{row['answer']}1")


def _gold(name: str, samples: int, file: str = TEST_FILE) -> tuple[GoldCases, ...]:
    return (GoldCases(suite=name, cases=partial(_cases, name=name, file=file), samples=samples),)


CASES = (
    SuiteCases(
        suites=("gsm8k",),
        sample=SAMPLE,
        prompt=Request(messages=(Message("user", CHAT),), decoding=Decoding(max_tokens=512)),
        completions=(COMPLETIONS, LARGE, NEGATIVE),
        files={TEST_FILE: FILE},
        samples=(Sample("0", "q", "1018"), Sample("1", "q", "1018")),
        malformed=[
            (
                TEST_FILE,
                json_lines(ROW, {"question": "q"}),
                "row 1: 'answer' is missing or no text",
            ),
            (TEST_FILE, json_lines(ROW, ROW | {"answer": "18"}), "row 1: no number after '####'"),
            (TEST_FILE, json_lines(ROW, ROW | {"answer": "18 ####"}), "row 1: no number after"),
            (TEST_FILE, json_lines(ROW, []), "row 1: no JSON object"),
            (TEST_FILE, f"{json_lines(ROW)}\n{{\n", r"row 1: no JSON \("),
        ],
        aggregations=(AGGREGATION,),
        gold=_gold("gsm8k", 1319),
    ),
    SuiteCases(
        suites=("gsm8k:cot8",),
        sample=SAMPLE,
        prompt=Request(text=TEXT, decoding=Decoding(max_tokens=512, stop=("Q:",))),
        completions=(COMPLETIONS, LARGE, NEGATIVE, CONTINUED),
        files={TEST_FILE: FILE, EXAMPLES_FILE: EXAMPLES},
        samples=tuple(
            Sample(n, "q", "1018", examples="Q: a\nA: b\n\nQ: c\nA: d\n\n") for n in "01"
        ),
        malformed=[
            (EXAMPLES_FILE, text, r"no fewshot_config\.samples")
            for text in (
                "samples: []",
                "fewshot_config: 3",
                "fewshot_config: {samples: [{question: a}]}",
                "a: [",
                "3",
                "",
            )
        ],
        aggregations=(AGGREGATION,),
        gold=_gold("gsm8k:cot8", 1319),
    ),
    SuiteCases(
        suites=("gsm8k:train",),
        sample=SAMPLE,
        prompt=Request(messages=(Message("user", CHAT),), decoding=Decoding(max_tokens=512)),
        completions=(COMPLETIONS,),
        files={TRAIN_FILE: FILE},
        samples=(Sample("0", "q", "1018"), Sample("1", "q", "1018")),
        aggregations=(AGGREGATION,),
        gold=_gold("gsm8k:train", 7473, TRAIN_FILE),
    ),
)

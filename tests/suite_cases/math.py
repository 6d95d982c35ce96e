"""The cases of MATH: the whole solution, or the closing sentence of Minerva's examples.

The twin is the next sample's gold that is another text; some are equal in value all the same.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from eval_suites.registry import find
from eval_suites.requests import Decoding, Message, Request
from eval_suites.suites.math import EXAMPLES_FILE, FILE_500, TEST_FILE, Sample

from .cases import (
    Aggregation,
    Completions,
    GoldCase,
    GoldCases,
    Row,
    SuiteCases,
    answered,
    filtered,
    json_lines,
    rows,
)
from .eurus import QUESTION, cases_of_variant

SAMPLE = Sample("0", "What is $9 + 9.5$?", r"\frac{37}{2}", r"\frac{37}{2}", "3", "prealgebra")
TEXT_SAMPLE = Sample(
    "0", "What is $9 + 9.5$?", r"\frac{37}{2}", r"\frac{37}{2}", "3", "prealgebra", "Examples\n\n"
)
CHAT = (
    "What is $9 + 9.5$?\n\n"
    "Reason step by step. Then give the final answer alone, in its simplest form, inside \\boxed{}."
)
TEXT = "Examples\n\nProblem:\nWhat is $9 + 9.5$?\n\nSolution:"
METRICS = ("accuracy", "accuracy_minerva")
SUBSETS = ("level_3/accuracy", "prealgebra/accuracy")
ROWS: list[Row] = [
    (r"9 + 9.5 = \boxed{\frac{37}{2}}", "stop", r"\frac{37}{2}", 1, 1, "ok"),
    (r"\boxed{\dfrac{37}{2}}.", "stop", r"\dfrac{37}{2}", 1, 1, "ok"),
    (r"\boxed{18.5}", "stop", "18.5", 1, 0, "ok"),
    (r"\boxed{18\frac12}", "stop", r"18\frac12", 1, 0, "ok"),
    (r"\boxed{x = \frac{37}{2}}", "stop", r"x = \frac{37}{2}", 1, 1, "ok"),
    (r"\boxed{-18.5}", "stop", "-18.5", 0, 0, "ok"),
    (r"\boxed{1,850\%}", "stop", r"1,850\%", 0, 0, "ok"),
    (r"\boxed{18.5}, \boxed{19}", "stop", "18.5, 19", 0, 0, "ok"),
    (r"\boxed{19} is wrong, so it is \boxed{18.5}", "stop", "18.5", 1, 0, "ok"),
    (r"\boxed{19}, though 18.5 is near", "stop", "19", 0, 0, "ok"),
    ("so\n#### 18.5", "stop", "18.5", 1, 0, "ok"),
    ("The answer is $37/2$.", "stop", "37/2", 1, 0, "ok"),
    ("```\n18.5\n```\n```\nThe answer is 18.5\n```", "stop", "18.5", 1, 0, "ok"),
    ("We get $18.5$", "stop", "18.5", 1, 0, "ok"),
    ("There are 18.5", "stop", "18.5", 1, 0, "ok"),
    ("We get $18.5", "length", None, 0, 0, "truncated"),
    (r"so \boxed{18.5} and, by the way,", "length", "18.5", 1, 0, "truncated"),
    (r"so \boxed{\frac{37}{2}", "length", r"\frac{37}{2}", 1, 1, "truncated"),
    ("I cannot help with that.", "stop", None, 0, 0, "unparsed"),
    ("", "stop", None, 0, 0, "empty"),
]
_SENTENCE = "Final Answer: The final answer is ${}$. I hope it is correct."
#: Of a text model, whose `accuracy_minerva` reads only the closing sentence.
TEXT_ROWS: list[Row] = [
    (_SENTENCE.replace("{}", r"\frac{37}{2}"), "stop", r"\frac{37}{2}", 1, 1, "ok"),
    (_SENTENCE.replace("{}", r"\dfrac{37}2"), "stop", r"\dfrac{37}2", 1, 0, "ok"),
    (_SENTENCE.replace("{}", "18.5"), "stop", "18.5", 1, 0, "ok"),
    (_SENTENCE.replace("{}", r"x=\frac{37}{2}"), "stop", r"x=\frac{37}{2}", 1, 1, "ok"),
    (_SENTENCE.replace("{}", "-18.5"), "stop", "-18.5", 0, 0, "ok"),
    (_SENTENCE.replace("{}", "18,5"), "stop", "18,5", 0, 0, "ok"),
    (_SENTENCE.replace("{}", "1{,}850"), "stop", "1{,}850", 0, 0, "ok"),
    (r"So \boxed{\frac{37}{2}}", "stop", r"\frac{37}{2}", 1, 0, "ok"),
    (r"\boxed{19} or \boxed{18.5}", "stop", "19, 18.5", 0, 0, "ok"),
    ("The final answer is $18.5$", "stop", "18.5", 1, 0, "ok"),
    ("```\n18\n```\n```\n18.5\n```", "stop", "18.5", 1, 0, "ok"),
    (f"{_SENTENCE.replace('{}', '19')} No: it is 18.5", "stop", "19", 0, 0, "ok"),
    ("Final Answer: The final answer is $18.5", "length", "$18.5", 1, 0, "truncated"),
    ("So 37 over", "length", None, 0, 0, "truncated"),
    ("I cannot help with that.", "stop", None, 0, 0, "unparsed"),
    ("", "stop", None, 0, 0, "empty"),
]
GOLD = r"\frac{37}{2}"
#: A text model's invention after its answer does not count, and the closing sentence must be there.
CONTINUED: list[Row] = [
    (
        f" {_SENTENCE.replace('{}', GOLD)}\n\nProblem:\nx\n\nSolution: \\boxed{{2}}",
        "stop",
        r"\frac{37}{2}",
        1,
        1,
        "ok",
    ),
    (r" It is \boxed{\frac{37}{2}}.", "stop", r"\frac{37}{2}", 1, 0, "ok"),
]
#: The strict reading of MATH also takes the last formula, and knows units.
EURUS_ROWS: list[Row] = [
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
AGGREGATION = Aggregation(
    [
        answered("0", SAMPLE, r"\boxed{\frac{37}{2}}"),
        answered("1", SAMPLE, r"\boxed{18.5}"),
        answered("2", SAMPLE, "no"),
        answered("3", Sample("1", "x", "2", "2", "5", "number_theory"), r"\boxed{2}"),
        filtered("4", SAMPLE),
    ],
    {
        "accuracy": 3 / 4,
        "accuracy_minerva": 2 / 4,
        "level_3/accuracy": 2 / 3,
        "level_5/accuracy": 1.0,
        "number_theory/accuracy": 1.0,
        "prealgebra/accuracy": 2 / 3,
    },
)
GOOD = {"problem": "p", "solution": r"\boxed{1}", "level": "Level 1"}
FILES = {TEST_FILE: json_lines({**GOOD, "type": "Algebra"})}
LOADED = Sample("0", "p", "1", "1", "1", "algebra")
EXAMPLES = json.dumps([{"problem": "a", "solution": "b"}, {"problem": "c", "solution": "d"}])
EXAMPLES_TEXT = "Problem:\na\n\nSolution: b\n\nProblem:\nc\n\nSolution: d\n\n"

_BOXED = r"\boxed{{}}"
_EQUAL: Mapping[str, str] = {
    "1660": "3/4 and \\frac34 are equal",
    "3596": "120 degrees and 120 are equal",
    "4159": "7 % and 7 are equal",
}
#: Golds of `math:eurus` that its reading loses, and twins that it forgives besides.
_EURUS_GOLDS = dict.fromkeys(
    ("470", "3046", "3641", "4056", "4428"),
    'a later sentence with "answer is" or "is the answer" is read in place of the box',
)
_EURUS_TWINS = dict.fromkeys(
    ("162", "973", "1004", "1406", "1435", "4045", "4414", "4415"), "100 times or a hundredth"
)


def _solutions(folder: Path, name: str, file: str = TEST_FILE) -> Iterator[GoldCase]:
    samples = find(name).load(folder)
    golds = [row["solution"] for row in rows(folder, file)]
    for sample, gold, twin in zip(samples, golds, _twins(samples), strict=True):
        yield GoldCase(sample, gold, _BOXED.replace("{}", twin, 1))


def _sentences(folder: Path) -> Iterator[GoldCase]:
    samples = find("math:minerva4").load(folder)
    closing = f" {_SENTENCE}"
    for sample, twin in zip(samples, _twins(samples), strict=True):
        yield GoldCase(sample, closing.replace("{}", sample.last), closing.replace("{}", twin))


def _twins(samples: Sequence[Sample]) -> Iterator[str]:
    golds = [sample.gold for sample in samples]
    for number, own in enumerate(golds):
        yield next(gold for gold in golds[number:] + golds if gold != own)


def _chat_cases(name: str, file: str, subject: str, gold: GoldCases) -> SuiteCases:
    good = {**GOOD, subject: "Algebra"}
    return SuiteCases(
        suites=(name,),
        sample=SAMPLE,
        prompt=Request(messages=(Message("user", CHAT),), decoding=Decoding(max_tokens=1024)),
        completions=(Completions(SAMPLE, METRICS, ROWS, SUBSETS),),
        files={file: json_lines(good)},
        samples=(LOADED,),
        malformed=[
            (file, json_lines(good, row), message)
            for row, message in (
                ({**good, "solution": "1"}, r"row 1: the solution has no \\boxed answer"),
                ({**good, "level": "Level ?"}, "row 1: level '\\?' is not 1 to 5"),
                ({**good, subject: None}, f"row 1: '{subject}' is missing or no text"),
                ({"problem": "p"}, "row 1: 'solution' is missing"),
            )
        ],
        aggregations=(AGGREGATION,),
        gold=(gold,),
    )


CASES = (
    _chat_cases(
        "math",
        TEST_FILE,
        "type",
        GoldCases(
            suite="math",
            cases=partial(_solutions, name="math"),
            samples=5000,
            twins=_EQUAL,
            slow=True,
        ),
    ),
    _chat_cases(
        "math500",
        FILE_500,
        "subject",
        GoldCases(
            suite="math500",
            cases=partial(_solutions, name="math500", file=FILE_500),
            samples=500,
            twins={"22": "5 and x=5 are equal"},
        ),
    ),
    SuiteCases(
        suites=("math:minerva4",),
        sample=TEXT_SAMPLE,
        prompt=Request(text=TEXT, decoding=Decoding(max_tokens=1024, stop=("Problem:",))),
        completions=(
            Completions(TEXT_SAMPLE, METRICS, TEXT_ROWS, SUBSETS),
            Completions(TEXT_SAMPLE, METRICS, CONTINUED, SUBSETS),
        ),
        files={**FILES, EXAMPLES_FILE: EXAMPLES},
        samples=(Sample("0", "p", "1", "1", "1", "algebra", EXAMPLES_TEXT),),
        malformed=[(EXAMPLES_FILE, '[{"problem": "p"}]', "no list of problem and solution")],
        aggregations=(AGGREGATION,),
        gold=(
            GoldCases(
                suite="math:minerva4", cases=_sentences, samples=5000, twins=_EQUAL, slow=True
            ),
        ),
    ),
    cases_of_variant(
        "math:eurus",
        sample=Sample("0", QUESTION, "50", "50", "3", "subtraction"),
        rows=EURUS_ROWS,
        subsets=("level_3/accuracy", "subtraction/accuracy"),
        files=FILES,
        samples=(LOADED,),
        gold=GoldCases(
            suite="math:eurus",
            cases=partial(_solutions, name="math:eurus"),
            samples=5000,
            golds=_EURUS_GOLDS,
            twins={**_EQUAL, **_EURUS_TWINS},
            slow=True,
        ),
    ),
)

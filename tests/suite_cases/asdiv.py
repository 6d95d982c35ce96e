"""The cases of ASDiv: the gold in a box; its twin is another number or gold of its kind."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from eval_suites.grading.kinds import RATIO, SEVERAL, TIME, Kind
from eval_suites.registry import find
from eval_suites.requests import Decoding, Message, Request
from eval_suites.suites.asdiv import LILA_FILE, XML_FILE, Problem

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
from .eurus import QUESTION, cases_of_variant

CLOSING = "How long are the pieces?"
SAMPLE = Problem("a-1", f"A 30 ft wire is cut in two. {CLOSING}", CLOSING, "14; 16", "numbers")
NUMBER = Problem("a-2", "How many pens?", "How many pens?", "1200", "number")
CHAT = (
    "A 30 ft wire is cut in two. How long are the pieces?\n\n"
    "Work through the problem step by step. Then give the final answer alone inside \\boxed{}; "
    "if it is several numbers, write all of them there, separated by commas."
)
METRICS = ("accuracy", "accuracy_flexible")
COMPLETIONS = Completions(
    SAMPLE,
    METRICS,
    [
        (r"So \boxed{14, 16}.", "stop", "14, 16", 1, 1, "ok"),
        (
            r"\boxed{16 \text{ ft and } 14 \text{ ft}}",
            "stop",
            r"16 \text{ ft and } 14 \text{ ft}",
            1,
            1,
            "ok",
        ),
        (r"\boxed{x = 14, y = 16}", "stop", "x = 14, y = 16", 1, 1, "ok"),
        (r"\boxed{x_1 = 14, x_2 = 16}", "stop", "x_1 = 14, x_2 = 16", 1, 1, "ok"),
        (r"\boxed{14}", "stop", "14", 0, 0, "ok"),
        (r"\boxed{14, 16, 30}", "stop", "14, 16, 30", 0, 0, "ok"),
        (r"\boxed{14, 14}", "stop", "14, 14", 0, 0, "ok"),
        (r"\boxed{-14, 16}", "stop", "-14, 16", 0, 0, "ok"),
        (r"\boxed{14, 16} since 14 + 16 = 30", "stop", "14, 16", 1, 0, "ok"),
        (r"\boxed{1} or \boxed{14,16}", "stop", "1, 14,16", 0, 1, "ok"),
        ("They are 14 and 16\n#### 14; 16", "stop", "14; 16", 1, 1, "ok"),
        ("The answers are 14 ft and 16 ft. I checked.", "stop", "14 ft and 16 ft", 1, 1, "ok"),
        ("One is 14 and one 16.", "stop", None, 0, 1, "unparsed"),
        ("I cannot help with that.", "stop", None, 0, 0, "unparsed"),
        ("One is 14 and the", "length", None, 0, 0, "truncated"),
        ("```\n3\n```\n```\n14, 16\n```", "stop", None, 0, 1, "unparsed"),
        ("", "stop", None, 0, 0, "empty"),
    ],
    subsets=("numbers/accuracy",),
)
#: A single number is read as in GSM8K.
SINGLE = Completions(
    NUMBER,
    METRICS,
    [
        (r"\boxed{1,200 \text{ pens}}", "stop", "1200", 1, 1, "ok"),
        ("It is 1,200.", "stop", "1200", 1, 1, "ok"),
        (r"\boxed{1200, 1200}", "stop", None, 0, 1, "unparsed"),
    ],
    subsets=("number/accuracy",),
)
GOOD = (
    '<Problem ID="a-1"><Body>It is so,</Body><Question>how many?</Question>'
    "<Solution-Type>Sum</Solution-Type><Answer>9 (pens)</Answer></Problem>"
)
LILA = {"Input": "q", "split": "test", "Output Answer": ["9"]}
_KINDS: Mapping[str, Kind] = {"numbers": SEVERAL, "ratio": RATIO, "time": TIME}


def _cases(folder: Path, name: str) -> Iterator[GoldCase]:
    problems = find(name).load(folder)
    for problem in problems:
        yield GoldCase(problem, boxed(problem.gold), boxed(_twin(problem, problems)))


def _twin(problem: Problem, problems: Sequence[Problem]) -> str:
    if problem.kind == "number":
        return larger(problem.gold)
    return next(p.gold for p in problems if p.kind == problem.kind and not _same(problem, p))


def _same(problem: Problem, other: Problem) -> bool:
    kind = _KINDS.get(problem.kind)
    if kind is None:
        return problem.gold == other.gold
    return kind.agrees(problem.gold, other.gold)


def _lila(*instances: object) -> str:
    return json.dumps({"Instances": instances})


CASES = (
    SuiteCases(
        suites=("asdiv",),
        sample=SAMPLE,
        prompt=Request(messages=(Message("user", CHAT),), decoding=Decoding(max_tokens=512)),
        completions=(COMPLETIONS, SINGLE),
        files={XML_FILE: f"<Set>{GOOD}</Set>"},
        samples=(Problem("a-1", "It is so, how many?", "how many?", "9", "number"),),
        malformed=[
            (XML_FILE, "<Set>", ": no XML"),
            (XML_FILE, '<!DOCTYPE x [<!ENTITY a "b">]><Set>&a;</Set>', ": declares entities"),
            (XML_FILE, f"<Set>{GOOD}<Problem/></Set>", ", problem 1: ID, Body"),
            (XML_FILE, f"<Set>{GOOD.replace('9 (pens)', '')}</Set>", ", problem a-1: ID, Body"),
        ],
        aggregations=(
            Aggregation(
                [
                    answered("0", SAMPLE, r"\boxed{14, 16}"),
                    answered("1", SAMPLE, "14, 16"),
                    answered("2", NUMBER, "#### 1200"),
                ],
                {
                    "accuracy": 2 / 3,
                    "accuracy_flexible": 1.0,
                    "number/accuracy": 1.0,
                    "numbers/accuracy": 1 / 2,
                },
            ),
        ),
        gold=(GoldCases(suite="asdiv", cases=partial(_cases, name="asdiv"), samples=2305),),
        parts=("kind", {"number": 2096, "numbers": 90, "words": 59, "ratio": 43, "time": 17}),
    ),
    cases_of_variant(
        "asdiv:eurus",
        sample=Problem("0", QUESTION, QUESTION, "50", "number"),
        subsets=("number/accuracy",),
        files={LILA_FILE: _lila(LILA, LILA | {"split": "train"})},
        samples=(Problem("0", "q", "q", "9", "number"),),
        malformed=[
            (LILA_FILE, "[]", ": no array under 'Instances'"),
            (LILA_FILE, _lila({"Input": "q"}), ", row 0: 'split' is missing"),
            (LILA_FILE, _lila(LILA | {"Output Answer": []}), ", row 0: no text"),
        ],
        gold=GoldCases(suite="asdiv:eurus", cases=partial(_cases, name="asdiv:eurus"), samples=618),
        parts=("kind", {"number": 614, "ratio": 4}),
    ),
)

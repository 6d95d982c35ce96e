"""Cases of the word problems: solutions where upstream has them, else the gold declared in a box.

A twin is the gold number with a digit more, or another gold of the same kind. The digit is put in
front where a rule forgives small differences: 12.3451 is near 12.345.
"""

import gzip
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from eval_suites.grading.kinds import RATIO, SEVERAL, TIME, Kind
from eval_suites.problems.asdiv import Problem
from eval_suites.registry import find
from eval_suites.suites import gsm8k, gsm_plus

from .held import Case, Held

_KINDS: Mapping[str, Kind] = {"numbers": SEVERAL, "ratio": RATIO, "time": TIME}


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    """The rows of a compressed JSON-lines file, which holds what the loaders leave out."""
    with gzip.open(folder / name, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def boxed(answer: object) -> str:
    """A sentence that declares an answer."""
    return f"So \\boxed{{{answer}}}"


def larger(number: str) -> str:
    """A number with a seven in front of its digits: neither near it nor 100 times it."""
    return re.sub("[0-9]", r"7\g<0>", number, count=1)


def _arithmetic(folder: Path, name: str) -> Iterator[Case]:
    for one in find(name).load(folder):
        yield Case(one, f"The answer is {one.answer}.", f"The answer is {one.answer}1.")


def _gsm8k(folder: Path, name: str, file: str = gsm8k.TEST_FILE) -> Iterator[Case]:
    samples = find(name).load(folder)
    for one, row in zip(samples, rows(folder, file), strict=True):
        yield Case(one, row["answer"], f"{row['answer']}1")


def _gsm_plus_boxed(folder: Path, name: str) -> Iterator[Case]:
    """The gold in a box: the protocol of Eurus knows no `####`."""
    for one in find(name).load(folder):
        number = "1" if one.gold == gsm_plus.UNANSWERABLE else larger(one.gold)
        yield Case(one, boxed(one.gold), boxed(number))


def _gsm_plus(folder: Path, name: str, file: str) -> Iterator[Case]:
    """Where a premise is missing, the solution of the problem that has it is the twin."""
    samples = find(name).load(folder)
    for one, row in zip(samples, rows(folder, file), strict=True):
        lacking = one.gold == gsm_plus.UNANSWERABLE
        yield Case(one, row["solution"], row["seed_solution"] if lacking else f"#### {one.gold}1")


def _svamp(folder: Path, name: str) -> Iterator[Case]:
    for one in find(name).load(folder):
        yield Case(one, boxed(one.gold), boxed(larger(one.gold)))


def _asdiv(folder: Path, name: str) -> Iterator[Case]:
    problems = find(name).load(folder)
    for one in problems:
        yield Case(one, boxed(one.gold), boxed(_other(one, problems)))


def _other(problem: Problem, problems: Sequence[Problem]) -> str:
    if problem.kind == "number":
        return larger(problem.gold)
    return next(
        one.gold for one in problems if one.kind == problem.kind and not _same(problem, one)
    )


def _same(one: Problem, other: Problem) -> bool:
    kind = _KINDS.get(one.kind)
    return one.gold == other.gold if kind is None else kind.agrees(one.gold, other.gold)


WORD_PROBLEMS = (
    Held(suite="arithmetic", cases=partial(_arithmetic, name="arithmetic"), samples=200),
    Held(
        suite="arithmetic:train", cases=partial(_arithmetic, name="arithmetic:train"), samples=400
    ),
    *(
        Held(suite=name, cases=partial(_gsm8k, name=name), samples=1319)
        for name in ("gsm8k", "gsm8k:cot8")
    ),
    Held(
        suite="gsm8k:train",
        cases=partial(_gsm8k, name="gsm8k:train", file=gsm8k.TRAIN_FILE),
        samples=7473,
    ),
    *(
        Held(suite=name, cases=partial(_gsm_plus, name=name, file=file), samples=samples)
        for name, file, samples in (
            ("gsm_plus", gsm_plus.TEST_FILE, 10552),
            ("gsm_plus:mini", gsm_plus.MINI_FILE, 2400),
        )
    ),
    *(
        Held(suite=name, cases=partial(_gsm_plus_boxed, name=name), samples=samples)
        for name, samples in (("gsm_plus:eurus", 10552), ("gsm_plus:mini-eurus", 2400))
    ),
    *(
        Held(suite=name, cases=partial(_svamp, name=name), samples=1000)
        for name in ("svamp", "svamp:eurus")
    ),
    *(
        Held(suite=name, cases=partial(_asdiv, name=name), samples=samples)
        for name, samples in (("asdiv", 2305), ("asdiv:eurus", 618))
    ),
)

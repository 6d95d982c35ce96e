"""HumanEval: what is asked, which program an answer becomes, and what verdict it gets."""

import asyncio
import gzip
import json
import textwrap
from collections.abc import Sequence
from pathlib import Path

import pytest

from eval_suites.grading.code import fenced
from eval_suites.grading.suite_rules import score_sample
from eval_suites.registry import find
from eval_suites.requests import Answer
from eval_suites.sandbox.checks import Outcome, Program
from eval_suites.sandbox.runner import Sandbox
from eval_suites.scores import Score
from eval_suites.suites.humaneval import Sample
from tests.suite_cases.humaneval import BODY, PROMPT, SAMPLE, WHOLE

SUITE = find("humaneval")


def judged(sample: Sample, texts: Sequence[str], workers: int = 2) -> list[Score]:
    async def all_of_them() -> list[Outcome]:
        async with Sandbox(workers=workers) as box:
            checks = [SUITE.checks(sample, (Answer(text),))[0] for text in texts]
            return await asyncio.gather(*map(box.run, checks))

    outcomes = asyncio.run(all_of_them())
    return [
        SUITE.score(sample, (Answer(text),), (), (outcome,))
        for text, outcome in zip(texts, outcomes, strict=True)
    ]


ANSWERS = {
    "goes on behind the prefix": (WHOLE, 1),
    "closes the block": (f"{WHOLE}```\nIt halves each number.", 1),
    "opens its own block": (f"```python\n{WHOLE}```", 1),
    "prose before its own block": (f"Here you are:\n```python\n{WHOLE}```\nDone.", 1),
    "two blocks, the function in the second": (f"import math\n```\nand\n```python\n{WHOLE}```", 1),
    "two blocks, the last counts": (f"def halves(x): pass\n```\nor\n```python\n{WHOLE}```", 1),
    "no closing fence": (f"```python\n{WHOLE}", 1),
    "repeats the prompt": (PROMPT + BODY, 1),
    "no fence, prose around": (f"Sure, this works:\n\n{WHOLE}\nIt uses a helper.\n", 1),
    "body only": (BODY, 1),
    "body without indentation": ("return [half(x) for x in numbers]", 1),
    "body whose first line lost its indentation": (
        "result = []\n    for x in numbers:\n        result.append(half(x))\n    return result",
        1,
    ),
    "dedented body": ("out = []\nfor x in numbers:\n    out.append(half(x))\nreturn out", 1),
    "body that begins with a loop": (
        "for x in []:\n        pass\n    return [half(x) for x in numbers]",
        1,
    ),
    "examples that would fail": (f"{WHOLE}\nprint(halves(input()))\nassert halves([2]) == 7\n", 1),
    "main guard": (f"{WHOLE}\nif __name__ == '__main__':\n    raise SystemExit(1)\n", 1),
    "table at the left edge": (f"T = []\nfor i in range(3):\n    T.append(i)\n{WHOLE}", 1),
    "docstring to the left edge": (WHOLE.replace(BODY, f'    """\nNote\n"""\n{BODY}'), 1),
    "block inside a list": ("1. Code:\n\n" + textwrap.indent(f"```python\n{WHOLE}```", "    "), 1),
    "its own helper": (f"def quarter(x):\n    return x // 4\n\n{WHOLE}", 1),
    "async": (f"async {WHOLE}", 0),
    "wrong": (WHOLE.replace("half(x)", "x"), 0),
    "cut in the middle": (WHOLE.replace("for x in numbers]\n", "for x i"), 0),
    "refusal": ("I am sorry, but I cannot write code.", 0),
    "another function": ("def other(x):\n    return x\n", 0),
    "leaves early": (WHOLE.replace("return", "import os; os._exit(0); return"), 0),
}  # fmt: skip


def test_verdicts_over_the_forms_that_answers_take() -> None:
    scores = judged(SAMPLE, [text for text, _ in ANSWERS.values()])
    got = dict(zip(ANSWERS, [score.value for score in scores], strict=True))
    assert got == {name: float(value) for name, (_, value) in ANSWERS.items()}


HEADER = "from typing import List\n\n\ndef half(x):\n    return x // 2\n\n\n"
#: Answers of the table whose program is the function alone behind the prompt's head.
SAME_PROGRAM = (
    "goes on behind the prefix", "closes the block", "opens its own block",
    "prose before its own block", "two blocks, the function in the second",
    "two blocks, the last counts", "no closing fence", "no fence, prose around",
    "examples that would fail", "block inside a list",
)  # fmt: skip


def extracted(text: str) -> str | None:
    return SUITE.score(SAMPLE, (Answer(text),), (), (Outcome("pass"),)).extracted


@pytest.mark.parametrize("name", SAME_PROGRAM)
def test_the_function_is_taken_out_of_what_is_around_it(name: str) -> None:
    program = extracted(ANSWERS[name][0])
    assert program is not None
    assert program.rstrip() == f"{HEADER}\n{WHOLE}".rstrip()


@pytest.mark.parametrize(
    ("name", "program"),
    [
        ("body only", f"{PROMPT.rstrip()}\n{BODY}"),
        ("body without indentation", f"{PROMPT.rstrip()}\n{BODY}"),
        ("its own helper", f"{HEADER}\ndef quarter(x):\n    return x // 4\n\n{WHOLE}"),
        ("refusal", f"{PROMPT.rstrip()}\n    I am sorry, but I cannot write code.\n"),
        ("another function", f"{PROMPT.rstrip()}\n    def other(x):\n        return x\n"),
    ],
)
def test_what_does_not_define_the_function_is_its_body(name: str, program: str) -> None:
    assert (extracted(ANSWERS[name][0]) or "").rstrip() == program.rstrip()


def test_fenced_blocks_in_order_and_the_last_one_to_the_end() -> None:
    assert fenced("a\n```python\nb\n```\nc\n```\nd\n\ne") == [("b", True), ("d\n\ne", False)]
    assert fenced("```\nprose\n```py\nb\n```") == [("prose", False), ("b", True)]
    assert fenced("no `code` here") == []


@pytest.mark.parametrize(
    ("outcome", "answer", "status", "value"),
    [
        (Outcome("pass"), Answer(WHOLE), "ok", 1.0),
        (Outcome("fail", "AssertionError"), Answer(WHOLE), "ok", 0.0),
        (Outcome("crash"), Answer(WHOLE), "ok", 0.0),
        (Outcome("timeout"), Answer(WHOLE), "timeout", 0.0),
        (Outcome("fail"), Answer(WHOLE, "length"), "truncated", 0.0),
        (Outcome("pass"), Answer(WHOLE, "length"), "truncated", 1.0),
        (Outcome("infra", "no process"), Answer(WHOLE), "infra", None),
    ],
)
def test_an_outcome_becomes_value_and_status(
    outcome: Outcome, answer: Answer, status: str, value: float | None
) -> None:
    score = score_sample(SUITE, SAMPLE, (answer,), (), (outcome,))
    assert (score.status, score.value) == (status, value)
    assert score.metrics == ({} if value is None else {"pass_at_1": value})


def test_the_cpu_limit_is_three_seconds() -> None:
    (check,) = SUITE.checks(SAMPLE, (Answer(WHOLE),))
    assert isinstance(check, Program)
    assert check.limits.cpu_s == 3.0


def canonical(data_dir: Path) -> list[tuple[Sample, str]]:
    with gzip.open(data_dir / "humaneval" / "HumanEval.jsonl.gz", "rt", encoding="utf-8") as file:
        solutions = [json.loads(line)["canonical_solution"] for line in file]
    return list(zip(SUITE.load(data_dir), solutions, strict=True))


def assert_bodies_pass(pairs: list[tuple[Sample, str]]) -> None:
    async def outcomes() -> list[Outcome]:
        async with Sandbox() as box:
            checks = [SUITE.checks(sample, (Answer(body),))[0] for sample, body in pairs]
            return await asyncio.gather(*map(box.run, checks))

    got = {
        pair[0].id: outcome.verdict
        for pair, outcome in zip(pairs, asyncio.run(outcomes()), strict=True)
    }
    assert got == {sample.id: "pass" for sample, _ in pairs}


def test_some_canonical_bodies_pass_alone(data_dir: Path) -> None:
    pairs = {sample.id: (sample, solution) for sample, solution in canonical(data_dir)}
    # 32, 38 and 50: the tests call helpers of the prompt; 33: the test calls the function by name.
    rows = (0, 10, 32, 33, 38, 50, 99, 163)
    assert_bodies_pass([pairs[f"HumanEval/{row}"] for row in rows])


@pytest.mark.slow
def test_all_canonical_bodies_pass_alone(data_dir: Path) -> None:
    pairs = canonical(data_dir)
    assert len(pairs) == 164
    assert_bodies_pass(pairs)

"""LeetCode: which program an answer becomes, and that right and wrong ones differ."""

import asyncio

import pytest

from eval_suites.grading.suite_rules import score_sample
from eval_suites.registry import find
from eval_suites.requests import Answer
from eval_suites.sandbox.checks import Outcome
from eval_suites.sandbox.runner import Sandbox
from eval_suites.suites.leetcode import IMPORTS, NODE, Sample
from tests.suite_cases.leetcode import RIGHT, SAMPLE

SUITE = find("leetcode")


def outcomes(pairs: list[tuple[Sample, str]]) -> list[Outcome]:
    async def all_of_them() -> list[Outcome]:
        async with Sandbox() as box:
            checks = [SUITE.checks(sample, (Answer(text),))[0] for sample, text in pairs]
            return await asyncio.gather(*map(box.run, checks))

    return asyncio.run(all_of_them())


ANSWERS = {
    "goes on behind the prefix": (RIGHT, "pass"),
    "closes the block": (f"{RIGHT}```\nIt doubles.", "pass"),
    "two blocks, the class in the second": (
        f"```\nx = 2\n```\nso\n```python\n{RIGHT}```",
        "pass",
    ),
    "two blocks, the last counts": (
        f"```python\n{RIGHT.replace('2', '3')}```\nor\n```python\n{RIGHT}```",
        "pass",
    ),
    "no closing fence": (f"```python\n{RIGHT}", "pass"),
    "no fence, prose around": (f"Sure, this works:\n\n{RIGHT}\nIt is short.\n", "pass"),
    "its own imports and helper": (
        "import math\n\ndef two():\n    return int(math.sqrt(4))\n\n"
        + RIGHT.replace("2 * x", "two() * x"),
        "pass",
    ),
    "refusal": ("I am sorry, but I cannot write code.", "fail"),
    "cut in the middle": (RIGHT.replace("2 * x", "2 * (x"), "fail"),
    "nothing comes back": (RIGHT.replace("return", ""), "fail"),
    "the sign changed": (RIGHT.replace("2 * x", "-2 * x"), "fail"),
    "leaves early": (RIGHT.replace("return", "import os; os._exit(0); return"), "crash"),
    "prose and a block": (f"Here:\n```python\n{RIGHT}```\nDone.", "pass"),
    "opens its own block": (f"```python\n{RIGHT}```", "pass"),
    "names that nobody imported": (
        RIGHT.replace("2 * x", "sum(Counter([x, x]).elements()) + gcd(0, pow(2, 3, 8))"),
        "pass",
    ),
    "an example of use": (f"{RIGHT}\nprint(Solution().double(int(input())))\n", "pass"),
    "wrong": (RIGHT.replace("2", "3"), "fail"),
    "another class": (RIGHT.replace("Solution", "Answer"), "fail"),
    "another method": (RIGHT.replace("double", "triple"), "fail"),
    "not a class": ("def double(x): return 2 * x\n", "fail"),
}


def test_verdicts_over_the_forms_that_answers_take() -> None:
    results = outcomes([(SAMPLE, text) for text, _ in ANSWERS.values()])
    got = dict(zip(ANSWERS, [outcome.verdict for outcome in results], strict=True))
    assert got == {name: verdict for name, (_, verdict) in ANSWERS.items()}


SAME_PROGRAM = (
    "goes on behind the prefix", "closes the block", "two blocks, the class in the second",
    "two blocks, the last counts", "no closing fence", "no fence, prose around",
    "prose and a block", "opens its own block", "an example of use",
)  # fmt: skip


@pytest.mark.parametrize("name", SAME_PROGRAM)
def test_the_class_is_taken_out_of_what_is_around_it(name: str) -> None:
    score = SUITE.score(SAMPLE, (Answer(ANSWERS[name][0]),), (), (Outcome("pass"),))
    assert score.extracted is not None
    head, _, program = score.extracted.partition("class Solution")
    assert f"class Solution{program}".strip() == RIGHT.strip()
    assert head == f"{IMPORTS}{NODE}\n"


@pytest.mark.parametrize(
    ("outcome", "answer", "status", "value"),
    [
        (Outcome("pass"), Answer(RIGHT), "ok", 1.0),
        (Outcome("fail", "AssertionError"), Answer(RIGHT), "ok", 0.0),
        (Outcome("crash"), Answer(RIGHT, "length"), "truncated", 0.0),
        (Outcome("timeout"), Answer(RIGHT), "timeout", 0.0),
        (Outcome("infra", "gone"), Answer(RIGHT), "infra", None),
    ],
)
def test_an_outcome_becomes_value_and_status(
    outcome: Outcome, answer: Answer, status: str, value: float | None
) -> None:
    score = score_sample(SUITE, SAMPLE, (answer,), (), (outcome,))
    assert (score.status, score.value) == (status, value)


def test_a_score_counts_for_its_difficulty() -> None:
    score = SUITE.score(SAMPLE, (Answer(RIGHT),), (), (Outcome("pass"),))
    assert score.metrics == {"pass_at_1": 1.0, "easy/pass_at_1": 1.0}
    broken = score_sample(SUITE, SAMPLE, (Answer(RIGHT),), (), (Outcome("infra", "gone"),))
    assert (broken.value, broken.status, broken.metrics) == (None, "infra", {})

"""The cases of LeetCode: our own solutions of some problems, which a small change makes wrong."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from eval_suites.registry import find
from eval_suites.requests import Decoding, Message, Request
from eval_suites.sandbox.checks import Outcome
from eval_suites.suites.leetcode import FILE, Sample

from .cases import Aggregation, GoldCase, GoldCases, SuiteCases, answered, json_lines
from .leetcode_solutions import SOLUTIONS

SAMPLE = Sample(
    "contest-double",
    "Double a number.\n```python\nclass Solution:\n    def double(self, x: int) -> int:\n```\n",
    '\nmy_solution = Solution()\n\ntest_input = { "x": 2 }\n'
    "assert my_solution.double(**test_input) == 4\n",
    "easy",
)
HARD = replace(SAMPLE, difficulty="hard")
RIGHT = "class Solution:\n    def double(self, x: int) -> int:\n        return 2 * x\n"
ROW = {"task_id": "a", "prompt_sft": "b", "test": "c", "meta": "{'difficulty': 'Easy'}"}
PASS, FAIL = Outcome("pass"), Outcome("fail")


def _cases(folder: Path) -> Iterator[GoldCase]:
    for sample in find("leetcode").load(folder):
        name = sample.id.partition("contest-")[2].partition("-")[2]
        if name in SOLUTIONS:
            body, old, new = SOLUTIONS[name]
            gold, twin = f"class Solution:{body}", f"class Solution:{body.replace(old, new)}"
            yield GoldCase(sample, gold, twin)


CASES = (
    SuiteCases(
        suites=("leetcode",),
        sample=SAMPLE,
        prompt=Request(
            messages=(Message("user", SAMPLE.text.strip()),),
            prefix="```python\n",
            decoding=Decoding(max_tokens=1024, stop=("\n```",)),
        ),
        files={FILE: json_lines(ROW)},
        samples=(Sample("a", "b", "c", "easy"),),
        malformed=[(FILE, json_lines(ROW | {"meta": "{"}), "row 0: no difficulty in 'meta'")],
        aggregations=(
            Aggregation(
                [
                    answered("a", SAMPLE, RIGHT, PASS),
                    answered("b", SAMPLE, RIGHT, FAIL),
                    answered("c", SAMPLE, RIGHT, FAIL),
                    answered("d", HARD, RIGHT, PASS),
                ],
                {"pass_at_1": 2 / 4, "easy/pass_at_1": 1 / 3, "hard/pass_at_1": 1.0},
            ),
            Aggregation(
                [
                    answered("a", SAMPLE, RIGHT, PASS),
                    answered("a", SAMPLE, RIGHT, FAIL),
                    answered("b", HARD, RIGHT, PASS),
                    answered("b", HARD, RIGHT, PASS),
                ],
                {
                    "pass_at_1": (1 / 2 + 1) / 2,
                    "easy/pass_at_1": 1 / 2,
                    "hard/pass_at_1": 1.0,
                    "pass_at_2": 1.0,
                    "easy/pass_at_2": 1.0,
                    "hard/pass_at_2": 1.0,
                },
            ),
        ),
        gold=(
            GoldCases(
                suite="leetcode",
                cases=_cases,
                samples=28,
                note="152 of 180 problems are without a solution: "
                "upstream has none, these are ours",
            ),
        ),
        parts=("difficulty", {"easy": 45, "medium": 91, "hard": 44}),
    ),
)

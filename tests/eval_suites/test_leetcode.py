"""LeetCode: which program an answer becomes, and that right and wrong ones differ."""

import asyncio
import json
from pathlib import Path

import pytest

from eval_suites import DataError, find
from eval_suites.leetcode import FILE, Sample
from eval_suites.sandbox import Outcome, Sandbox
from eval_suites.scoring import settle
from eval_suites.suite import Answer

SUITE = find("leetcode")
SAMPLE = Sample(
    "contest-double",
    "Double a number.\n```python\nclass Solution:\n    def double(self, x: int) -> int:\n```\n",
    '\nmy_solution = Solution()\n\ntest_input = { "x": 2 }\n'
    "assert my_solution.double(**test_input) == 4\n",
    "easy",
)
RIGHT = "class Solution:\n    def double(self, x: int) -> int:\n        return 2 * x\n"


def outcomes(pairs: list[tuple[Sample, str]]) -> list[Outcome]:
    async def all_of_them() -> list[Outcome]:
        async with Sandbox() as box:
            checks = [SUITE.checks(sample, (Answer(text),))[0] for sample, text in pairs]
            return await asyncio.gather(*map(box.run, checks))

    return asyncio.run(all_of_them())


ANSWERS = {
    "goes on behind the prefix": (RIGHT, "pass"),
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
    found = outcomes([(SAMPLE, text) for text, _ in ANSWERS.values()])
    got = dict(zip(ANSWERS, [one.verdict for one in found], strict=True))
    assert got == {name: verdict for name, (_, verdict) in ANSWERS.items()}


def test_a_score_counts_for_its_difficulty() -> None:
    score = SUITE.score(SAMPLE, (Answer(RIGHT),), (), (Outcome("pass"),))
    assert score.metrics == {"pass_at_1": 1.0, "easy/pass_at_1": 1.0}
    broken = settle(SUITE, SAMPLE, (Answer(RIGHT),), (), (Outcome("infra", "gone"),))
    assert (broken.value, broken.status, broken.metrics) == (None, "infra", {})


def test_a_row_without_difficulty_is_named(tmp_path: Path) -> None:
    file = tmp_path / FILE.removesuffix(".gz")
    file.parent.mkdir()
    row = {"task_id": "a", "prompt_sft": "b", "test": "c", "meta": "{"}
    import gzip

    with gzip.open(tmp_path / FILE, "wt") as out:
        out.write(json.dumps(row))
    with pytest.raises(DataError, match=r"row 0: no difficulty in 'meta'"):
        SUITE.load(tmp_path)


def test_all_problems_are_there(data_dir: Path) -> None:
    samples = SUITE.load(data_dir)
    counts = [sum(s.difficulty == level for s in samples) for level in ("easy", "medium", "hard")]
    assert counts == [45, 91, 44]
    assert sum(s.on_chains for s in samples) == 2

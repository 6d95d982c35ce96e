"""LeetCode: which program an answer becomes, and that right and wrong ones differ."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from eval_suites.errors import DataError
from eval_suites.grading.linked_lists import NODE
from eval_suites.grading.suite_rules import metrics_of, score_sample
from eval_suites.registry import find
from eval_suites.requests import Answer, Decoding, Message
from eval_suites.sandbox.checks import Outcome, Program
from eval_suites.sandbox.runner import Sandbox
from eval_suites.suites.leetcode import FILE, IMPORTS, Sample

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


def test_golden_prompt() -> None:
    (request,) = SUITE.ask(SAMPLE, ())
    assert request.messages == (Message("user", SAMPLE.text.strip()),)
    assert (request.text, request.prefix) == (None, "```python\n")
    assert request.decoding == Decoding(max_tokens=1024, stop=("\n```",))
    assert SUITE.sampling.needs == {"prefix"}
    (check,) = SUITE.checks(SAMPLE, (Answer(RIGHT),))
    assert isinstance(check, Program)
    assert check.limits.cpu_s == 10.0


ANSWERS = {
    "goes on behind the prefix": (RIGHT, "pass"),
    "closes the block": (f"{RIGHT}```\nIt doubles.", "pass"),
    "two blocks, the class in the second": (
        f"```\nx = 2\n```\nso\n```python\n{RIGHT}```",
        "pass",
    ),
    "two blocks, the first counts": (
        f"```python\n{RIGHT}```\nor\n```python\n{RIGHT.replace('2', '3')}```",
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
    found = outcomes([(SAMPLE, text) for text, _ in ANSWERS.values()])
    got = dict(zip(ANSWERS, [one.verdict for one in found], strict=True))
    assert got == {name: verdict for name, (_, verdict) in ANSWERS.items()}


SAME_PROGRAM = (
    "goes on behind the prefix", "closes the block", "two blocks, the class in the second",
    "two blocks, the first counts", "no closing fence", "no fence, prose around",
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


def test_metrics_are_means_over_samples_and_over_each_difficulty() -> None:
    hard = replace(SAMPLE, difficulty="hard")
    scores = [
        SUITE.score(sample, (Answer(RIGHT),), (), (Outcome(verdict),))
        for sample, verdict in (
            (SAMPLE, "pass"),
            (SAMPLE, "fail"),
            (SAMPLE, "fail"),
            (hard, "pass"),
        )
    ]
    assert metrics_of(SUITE, zip("abcd", scores, strict=True)) == {
        "pass_at_1": 2 / 4,
        "easy/pass_at_1": 1 / 3,
        "hard/pass_at_1": 1.0,
    }
    repeats = list(zip("aabb", (scores[0], scores[1], scores[3], scores[3]), strict=True))
    assert metrics_of(SUITE, repeats) == {
        "pass_at_1": (1 / 2 + 1) / 2,
        "easy/pass_at_1": 1 / 2,
        "hard/pass_at_1": 1.0,
        "pass_at_2": 1.0,
        "easy/pass_at_2": 1.0,
        "hard/pass_at_2": 1.0,
    }


def test_a_score_counts_for_its_difficulty() -> None:
    score = SUITE.score(SAMPLE, (Answer(RIGHT),), (), (Outcome("pass"),))
    assert score.metrics == {"pass_at_1": 1.0, "easy/pass_at_1": 1.0}
    broken = score_sample(SUITE, SAMPLE, (Answer(RIGHT),), (), (Outcome("infra", "gone"),))
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
    assert sum(s.on_linked_lists for s in samples) == 2

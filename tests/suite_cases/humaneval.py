"""The cases of HumanEval: upstream's canonical solution, and a function that returns None."""

from collections.abc import Iterator
from pathlib import Path

from eval_suites.registry import find
from eval_suites.requests import Decoding, Message, Request
from eval_suites.sandbox.checks import Outcome
from eval_suites.suites.humaneval import TEST_FILE, Sample

from .cases import Aggregation, GoldCase, GoldCases, SuiteCases, answered, json_lines, rows

PROMPT = (
    "from typing import List\n\n\ndef half(x):\n    return x // 2\n\n\n"
    'def halves(numbers: List[int]) -> List[int]:\n    """ Half of each.\n    """\n'
)
TEST = (
    "METADATA = {}\n\ndef check(candidate):\n    assert candidate([2, 5]) == [half(2), 2]\n"
    "    assert candidate([]) == []\n"
)
SAMPLE = Sample("HumanEval/0", PROMPT, "halves", TEST)
BODY = "    return [half(x) for x in numbers]\n"
WHOLE = f"def halves(numbers: List[int]) -> List[int]:\n{BODY}"
CHAT = (
    "Complete the Python function `halves`. Answer with the whole function in one code block "
    f"and nothing else.\n\n```python\n{PROMPT.rstrip()}\n```"
)
ROW = {"task_id": "HumanEval/0", "prompt": PROMPT, "entry_point": "halves", "test": TEST}
PASS, FAIL, INFRA = Outcome("pass"), Outcome("fail"), Outcome("infra")


def _cases(folder: Path) -> Iterator[GoldCase]:
    samples = find("humaneval").load(folder)
    for sample, row in zip(samples, rows(folder, TEST_FILE), strict=True):
        solution = sample.prompt + row["canonical_solution"]
        yield GoldCase(sample, solution, f"{sample.prompt}    return None\n")


CASES = (
    SuiteCases(
        suites=("humaneval",),
        sample=SAMPLE,
        prompt=Request(
            messages=(Message("user", CHAT),),
            prefix="```python\n",
            decoding=Decoding(max_tokens=512, stop=("\n```",)),
        ),
        files={TEST_FILE: json_lines(ROW)},
        samples=(SAMPLE,),
        malformed=[(TEST_FILE, json_lines(ROW, ROW | {"test": None}), "row 1: 'test' is missing")],
        aggregations=(
            Aggregation(
                [
                    answered("a", SAMPLE, WHOLE, PASS),
                    answered("b", SAMPLE, WHOLE, FAIL),
                    answered("c", SAMPLE, WHOLE, INFRA),
                ],
                {"pass_at_1": 1 / 2},
            ),
            # a: 1 - C(2,2) / C(3,2) = 2/3; b: 0.
            Aggregation(
                [
                    *(answered("a", SAMPLE, WHOLE, outcome) for outcome in (PASS, FAIL, FAIL)),
                    *(answered("b", SAMPLE, WHOLE, outcome) for outcome in (FAIL, FAIL, FAIL)),
                ],
                {"pass_at_1": (1 / 3 + 0) / 2, "pass_at_2": (2 / 3 + 0) / 2},
            ),
        ),
        gold=(GoldCases(suite="humaneval", cases=_cases, samples=164, slow=True),),
    ),
)

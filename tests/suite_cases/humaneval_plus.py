"""The cases of HumanEval+: the reference solution, and a function that returns None."""

from collections.abc import Iterator
from pathlib import Path

from eval_suites.registry import find
from eval_suites.requests import Decoding, Message, Request
from eval_suites.sandbox.checks import Outcome
from eval_suites.suites.humaneval import PLUS_FILE, PlusSample

from .cases import Aggregation, GoldCase, GoldCases, Scored, SuiteCases, answered, json_lines

PROMPT = 'def ratio(a, b):\n    """ Ratio of two numbers, and their sum.\n    """\n'
SAMPLE = PlusSample(
    "HumanEval/0",
    PROMPT,
    "ratio",
    "    return a / b if b else a + b\n",
    "[[1, 2], [3, 0]]",
    "[[1, 3], [2, 0], [9, 3]]",
    0.0,
)
RIGHT = "def ratio(a, b):\n    return a / b if b else a + b\n"
CHAT = (
    "Complete the Python function `ratio`. Answer with the whole function in one code block "
    "and nothing else.\n\n```python\n"
    'def ratio(a, b):\n    """ Ratio of two numbers, and their sum.\n    """\n```'
)
ROW = {
    "task_id": "HumanEval/0",
    "prompt": "def f(x):\n",
    "entry_point": "f",
    "canonical_solution": "    return x\n",
    "base_input": [[1]],
    "plus_input": [[2], [3]],
    "atol": 1e-06,
}


def _scored(name: str, base: str, plus: str) -> Scored:
    outcomes = (Outcome(base), Outcome(plus))  # type: ignore[arg-type] # verdicts by name
    return answered(name, SAMPLE, RIGHT, *outcomes)


def _cases(folder: Path) -> Iterator[GoldCase]:
    for sample in find("humaneval_plus").load(folder):
        solution, twin = sample.prompt + sample.solution, f"{sample.prompt}    return None\n"
        yield GoldCase(sample, solution, twin)


CASES = (
    SuiteCases(
        suites=("humaneval_plus",),
        sample=SAMPLE,
        prompt=Request(
            messages=(Message("user", CHAT),),
            prefix="```python\n",
            decoding=Decoding(max_tokens=512, stop=("\n```",)),
        ),
        files={PLUS_FILE: json_lines(ROW)},
        samples=(
            PlusSample(
                "HumanEval/0", "def f(x):\n", "f", "    return x\n", "[[1]]", "[[2], [3]]", 1e-06
            ),
        ),
        malformed=[
            (PLUS_FILE, json_lines(ROW, ROW | {"plus_input": None}), "row 1: no lists of inputs"),
            (
                PLUS_FILE,
                json_lines(ROW, ROW | {"prompt": 3}),
                "row 1: 'prompt' is missing or no text",
            ),
        ],
        aggregations=(
            Aggregation(
                [
                    _scored("a", "pass", "pass"),
                    _scored("b", "pass", "fail"),
                    _scored("c", "fail", "fail"),
                    _scored("d", "fail", "fail"),
                ],
                {"pass_at_1": 1 / 4, "pass_at_1_base": 2 / 4},
            ),
            # a: one and two of two; b: none and one of two.
            Aggregation(
                [
                    _scored("a", "pass", "pass"),
                    _scored("a", "pass", "fail"),
                    _scored("b", "fail", "fail"),
                    _scored("b", "pass", "fail"),
                ],
                {
                    "pass_at_1": (1 / 2 + 0) / 2,
                    "pass_at_1_base": (1 + 1 / 2) / 2,
                    "pass_at_2": 1 / 2,
                    "pass_at_2_base": 1.0,
                },
            ),
        ),
        gold=(GoldCases(suite="humaneval_plus", cases=_cases, samples=164, slow=True),),
    ),
)

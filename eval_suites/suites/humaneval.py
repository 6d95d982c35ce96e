"""HumanEval: functions from docstrings (Chen et al. 2021, arXiv 2107.03374; MIT).

164 problems. A chat model is asked, in our own words, for the complete function, and its answer is
opened with a python block. The program is the prompt's imports and helpers with the function put
behind them; upstream's `check(candidate)` decides, within 3 seconds of CPU time (upstream: of
wall clock). Headline `pass_at_1`, one greedy answer a problem.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eval_suites.files import read_rows
from eval_suites.grading.code import header, program
from eval_suites.problems.programs import program_suite
from eval_suites.sandbox.checks import Limits, Program
from eval_suites.suite import Checks, Suite

TEST_FILE = "humaneval/HumanEval.jsonl.gz"
MAX_TOKENS = 512
LIMITS = Limits(cpu_s=3.0)


@dataclass(frozen=True, slots=True)
class Function:
    """A function to complete; `id` is upstream's task_id."""

    id: str
    prompt: str
    entry_point: str


@dataclass(frozen=True, slots=True)
class Sample(Function):
    """One problem as upstream has it."""

    test: str


def _load(folder: Path | None) -> Sequence[Sample]:
    fields = ("task_id", "prompt", "entry_point", "test")
    rows = read_rows(folder, TEST_FILE, fields)
    return tuple(Sample(*(row[field] for field in fields)) for _, row in rows)


def question(function: Function) -> str:
    """Return the message that asks for a function, whose beginning is shown in a code block."""
    return (
        f"Complete the Python function `{function.entry_point}`. Answer with the whole function "
        f"in one code block and nothing else.\n\n```python\n{function.prompt.rstrip()}\n```"
    )


def candidate(function: Function, text: str) -> str:
    """Return the program that an answer makes of a function."""
    return program(function.prompt, function.entry_point, text)


def _tests(sample: Sample, source: str) -> Checks:
    # Three tests call helpers of the prompt: they get upstream's, not the candidate's.
    tester = f"{header(sample.prompt, sample.entry_point)}\n{sample.test}"
    return (Program(source, sample.entry_point, tester, LIMITS),)


SUITE: Suite[Sample] = program_suite(
    name="humaneval",
    version="2",
    source="openai/human-eval @ 6d43fb980f9fee3c892a914eda09951f772ad10d",
    licence="MIT",
    load=_load,
    prompt=question,
    max_tokens=MAX_TOKENS,
    candidate=candidate,
    tests=_tests,
)

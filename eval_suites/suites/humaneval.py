"""HumanEval: functions from docstrings (Chen et al. 2021, arXiv 2107.03374; MIT).

164 problems. A chat model is asked, in our own words, for the complete function, and its answer is
opened with a python block. The program is the prompt's imports and helpers with the function put
behind them; upstream's `check(candidate)` decides, within 3 seconds of CPU time (upstream: of
wall clock). Headline `pass_at_1`, one greedy answer a problem.

`humaneval_plus` (Liu et al. 2023, arXiv 2305.01210; release v0.1.10, Apache-2.0) asks the same and
tests on many more inputs. A program is right when it answers the base inputs and the plus inputs as
the reference solution does: two checks, each within 10 seconds of CPU time. Headline `pass_at_1`
(both), beside it `pass_at_1_base`. The rules of comparison are those of evalplus 0.3.1
(`eval/__init__.py`), but for one: there a tolerance that a float result brings stays for the inputs
behind it; here every input has its own.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eval_suites.files import malformed, read_rows
from eval_suites.grading.code import header, program
from eval_suites.problems.programs import program_suite
from eval_suites.sandbox.checks import Limits, Program
from eval_suites.suite import Checks, Suite

TEST_FILE = "humaneval/HumanEval.jsonl.gz"
MAX_TOKENS = 512
LIMITS = Limits(cpu_s=3.0)
PLUS_FILE = "humaneval/HumanEvalPlus.jsonl.gz"
PLUS_LIMITS = Limits(cpu_s=10.0, output_bytes=64 << 20)
#: The source of a test that compares a program with the reference; part of journal keys.
_TESTER = """
import copy, json, math

def _is_floats(value):
    return type(value) is float or (
        type(value) in (list, tuple) and all(type(one) is float for one in value)
    )

def _close(found, expected, allowed):
    if type(expected) in (list, tuple):
        pairs = zip(found, expected)
        return len(found) == len(expected) and all(_close(*pair, allowed) for pair in pairs)
    if found == expected:
        return True
    return abs(found - expected) <= allowed + 1e-07 * abs(expected)

def _right(found, expected, arguments):
    if ENTRY == "find_zero":
        value = sum(factor * math.pow(found, power) for power, factor in enumerate(*arguments))
        return abs(value) <= ALLOWED
    allowed = ALLOWED or (1e-06 if _is_floats(expected) else 0)
    if found == expected or not allowed:
        return found == expected
    return type(found) is type(expected) and _close(found, expected, allowed)

def check(candidate):
    for number, arguments in enumerate(INPUTS):
        expected = REFERENCE(*copy.deepcopy(arguments))
        found = candidate(*copy.deepcopy(arguments))
        assert _right(found, expected, arguments), f"{KIND} input {number}"
"""


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


def _candidate(function: Function, text: str) -> str:
    return program(function.prompt, function.entry_point, text)


def _tests(sample: Sample, source: str) -> Checks:
    # Three tests call helpers of the prompt: they get upstream's, not the candidate's.
    tester = f"{header(sample.prompt, sample.entry_point)}\n{sample.test}"
    return (Program(source, sample.entry_point, tester, LIMITS),)


@dataclass(frozen=True, slots=True)
class PlusSample(Function):
    """One problem with its reference solution.

    Inputs are JSON texts of lists of arguments. A tolerance of 0 is 1e-6 where a result is a float,
    else nothing.
    """

    solution: str
    base_inputs: str
    plus_inputs: str
    tolerance: float


def _load_plus(folder: Path | None) -> Sequence[PlusSample]:
    fields = ("task_id", "prompt", "entry_point", "canonical_solution")
    samples = []
    for number, row in read_rows(folder, PLUS_FILE, fields):
        inputs = [row.get(kind) for kind in ("base_input", "plus_input")]
        if not all(isinstance(arguments, list) for arguments in inputs):
            raise malformed(f"{folder}/{PLUS_FILE}, row {number}", "no lists of inputs")
        base, plus = map(json.dumps, inputs)
        name, prompt, entry_point, solution = (row[field] for field in fields)
        tolerance = float(row.get("atol") or 0)
        samples.append(PlusSample(name, prompt, entry_point, solution, base, plus, tolerance))
    return tuple(samples)


def _tests_plus(sample: PlusSample, source: str) -> Checks:
    """Return a check of the base inputs and one of the plus inputs, named by their kind."""
    entry, allowed, checks = sample.entry_point, sample.tolerance, []
    reference = f"{sample.prompt}{sample.solution}\nREFERENCE = {entry}\n"
    for kind, inputs in (("base", sample.base_inputs), ("plus", sample.plus_inputs)):
        lines = f"ENTRY = {entry!r}\nALLOWED = {allowed!r}\nKIND = {kind!r}\n"
        tester = f"{reference}{_TESTER}{lines}INPUTS = json.loads({inputs!r})\n"
        checks.append(Program(source, entry, tester, PLUS_LIMITS))
    return tuple(checks)


SUITE: Suite[Sample] = program_suite(
    name="humaneval",
    version="2",
    source="openai/human-eval @ 6d43fb980f9fee3c892a914eda09951f772ad10d",
    licence="MIT",
    load=_load,
    prompt=question,
    max_tokens=MAX_TOKENS,
    candidate=_candidate,
    tests=_tests,
)
PLUS: Suite[PlusSample] = program_suite(
    name="humaneval_plus",
    version="2",
    source="evalplus/humanevalplus_release @ 200defce9e3429d28ca215b6dd061c0f7f31c18b",
    licence="Apache-2.0",
    load=_load_plus,
    prompt=question,
    max_tokens=MAX_TOKENS,
    candidate=_candidate,
    tests=_tests_plus,
    subsets=lambda _sample, outcomes, _value: {
        "pass_at_1_base": float(any(outcome.verdict == "pass" for outcome in outcomes[:1]))
    },
)

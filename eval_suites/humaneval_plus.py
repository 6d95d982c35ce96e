"""HumanEval+: HumanEval's problems with many more inputs (Liu et al. 2023, arXiv 2305.01210).

164 problems of release v0.1.10 (Apache-2.0). The model is asked what HumanEval asks. A program is
right when it answers the base inputs and the plus inputs as the reference solution does: two
checks, each within 10 seconds of CPU time. Headline `pass_at_1` (both), beside it
`pass_at_1_base`.

Upstream's rules of comparison (evalplus 0.3.1, `eval/__init__.py`), but for one: there a tolerance
that a float result brings stays for the inputs behind it; here every input has its own.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from eval_suites import humaneval
from eval_suites.errors import DataError
from eval_suites.files import AGAIN, read_rows
from eval_suites.grading.code import program
from eval_suites.grading.programs import METRIC, over_repeats, program_score, runnable
from eval_suites.sandbox import Limits, Outcome, Program
from eval_suites.suite import Answer, Score, Suite

PLUS_FILE = "humaneval/HumanEvalPlus.jsonl.gz"
LIMITS = Limits(cpu_s=10.0, output_bytes=64 << 20)
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
class Sample:
    """One problem; inputs are JSON texts of lists of arguments."""

    id: str
    prompt: str
    entry_point: str
    solution: str
    base_inputs: str
    plus_inputs: str
    allowed: float


def _load(folder: Path | None) -> Sequence[Sample]:
    fields = ("task_id", "prompt", "entry_point", "canonical_solution")
    found = []
    for number, row in read_rows(folder, PLUS_FILE, fields):
        if not all(isinstance(row.get(name), list) for name in ("base_input", "plus_input")):
            where = f"{folder}/{PLUS_FILE}, row {number}"
            raise DataError(f"{where}: no lists of inputs; {AGAIN}")
        name, prompt, entry_point, solution = (row[field] for field in fields)
        base, plus = (json.dumps(row[kind]) for kind in ("base_input", "plus_input"))
        allowed = float(row.get("atol") or 0)
        found.append(Sample(name, prompt, entry_point, solution, base, plus, allowed))
    return tuple(found)


def _checks(sample: Sample, answers: tuple[Answer, ...]) -> tuple[Program, ...]:
    if not runnable(answers[0]):
        return ()
    candidate = _candidate(sample, answers[0])
    return tuple(
        Program(candidate, sample.entry_point, tester(sample, kind, inputs), LIMITS)
        for kind, inputs in (("base", sample.base_inputs), ("plus", sample.plus_inputs))
    )


def _candidate(sample: Sample, answer: Answer) -> str:
    return program(sample.prompt, sample.entry_point, humaneval.opened(answer.text))


def tester(sample: Sample, kind: str, inputs: str) -> str:
    """The test's source: the reference solution, the inputs, and how answers are compared."""
    reference = f"{sample.prompt}{sample.solution}\nREFERENCE = {sample.entry_point}\n"
    known = {"ENTRY": sample.entry_point, "ALLOWED": sample.allowed, "KIND": kind}
    lines = "".join(f"{name} = {value!r}\n" for name, value in known.items())
    return f"{reference}{_TESTER}{lines}INPUTS = json.loads({inputs!r})\n"


def _score(
    sample: Sample,
    answers: tuple[Answer, ...],
    _verdicts: tuple[Answer, ...],
    outcomes: tuple[Outcome, ...],
) -> Score:
    candidate = _candidate(sample, answers[0]) if outcomes else None
    both = program_score(answers[0], outcomes, candidate)
    base = program_score(answers[0], outcomes[:1], candidate)
    return replace(both, metrics={**both.metrics, "pass_at_1_base": base.metrics[METRIC]})


SUITE: Suite[Sample] = Suite(
    name="humaneval_plus",
    version="1",
    source="evalplus/humanevalplus_release @ 200defce9e3429d28ca215b6dd061c0f7f31c18b",
    licence="Apache-2.0",
    headline="pass_at_1",
    load=_load,
    ask=lambda sample, answers: humaneval.ask(sample.entry_point, sample.prompt, answers),
    score=_score,
    checks=_checks,
    over_repeats=over_repeats,
    decoding=humaneval.DECODING,
    needs=frozenset({"prefix"}),
    programs=True,
)

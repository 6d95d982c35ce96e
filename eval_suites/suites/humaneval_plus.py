"""HumanEval+: HumanEval's problems with many more inputs (Liu et al. 2023, arXiv 2305.01210).

164 problems of release v0.1.10 (Apache-2.0). The model is asked what HumanEval asks. A program is
right when it answers the base inputs and the plus inputs as the reference solution does: two
checks, each within 10 seconds of CPU time. Headline `pass_at_1` (both), beside it
`pass_at_1_base`.

Compared as evalplus 0.3.1 does, but for one rule (`grading/reference.py`).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from eval_suites.files import malformed, read_rows
from eval_suites.grading.code import program
from eval_suites.grading.programs import METRIC, over_repeats, program_score, runnable
from eval_suites.grading.reference import tester
from eval_suites.problems.one_turn import ask_chat
from eval_suites.requests import Answer
from eval_suites.sandbox.checks import Limits, Program
from eval_suites.scores import Score
from eval_suites.suite import (
    Answers,
    CheckRules,
    Checks,
    MetricRules,
    Outcomes,
    SamplingRules,
    Suite,
)
from eval_suites.suites.humaneval import DECODING, PREFIX, function_prompt, opened

PLUS_FILE = "humaneval/HumanEvalPlus.jsonl.gz"
LIMITS = Limits(cpu_s=10.0, output_bytes=64 << 20)


@dataclass(frozen=True, slots=True)
class Sample:
    """One problem; inputs are JSON texts of lists of arguments."""

    id: str
    prompt: str
    entry_point: str
    solution: str
    base_inputs: str
    plus_inputs: str
    tolerance: float


def _load(folder: Path | None) -> Sequence[Sample]:
    fields = ("task_id", "prompt", "entry_point", "canonical_solution")
    samples = []
    for number, row in read_rows(folder, PLUS_FILE, fields):
        if not all(isinstance(row.get(name), list) for name in ("base_input", "plus_input")):
            raise malformed(f"{folder}/{PLUS_FILE}, row {number}", "no lists of inputs")
        name, prompt, entry_point, solution = (row[field] for field in fields)
        base, plus = (json.dumps(row[kind]) for kind in ("base_input", "plus_input"))
        tolerance = float(row.get("atol") or 0)
        samples.append(Sample(name, prompt, entry_point, solution, base, plus, tolerance))
    return tuple(samples)


def _checks(sample: Sample, answers: Answers) -> Checks:
    if not runnable(answers[0]):
        return ()
    candidate, name = _candidate(sample, answers[0]), sample.entry_point
    reference = sample.prompt + sample.solution
    return tuple(
        Program(candidate, name, tester(reference, name, kind, inputs, sample.tolerance), LIMITS)
        for kind, inputs in (("base", sample.base_inputs), ("plus", sample.plus_inputs))
    )


def _candidate(sample: Sample, answer: Answer) -> str:
    return program(sample.prompt, sample.entry_point, opened(answer.text))


def _score(sample: Sample, answers: Answers, _verdicts: Answers, outcomes: Outcomes) -> Score:
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
    ask=ask_chat(
        lambda sample: function_prompt(sample.entry_point, sample.prompt), DECODING, PREFIX
    ),
    score=_score,
    sampling=SamplingRules(decoding=DECODING, needs=frozenset({"prefix"})),
    checking=CheckRules(_checks, programs=True),
    metrics=MetricRules(over_repeats=over_repeats),
)

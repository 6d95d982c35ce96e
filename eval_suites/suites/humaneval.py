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
from eval_suites.grading.programs import over_repeats, program_score, runnable
from eval_suites.problems.one_turn import ask_chat
from eval_suites.requests import Answer, Decoding
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

TEST_FILE = "humaneval/HumanEval.jsonl.gz"
PREFIX = "```python\n"
# The answer begins inside a block, so the next fence at the left edge ends it.
DECODING = Decoding(max_tokens=512, stop=("\n```",))
LIMITS = Limits(cpu_s=3.0)


@dataclass(frozen=True, slots=True)
class Sample:
    """One problem as upstream has it; `id` is its task_id."""

    id: str
    prompt: str
    entry_point: str
    test: str


def _load(folder: Path | None) -> Sequence[Sample]:
    fields = ("task_id", "prompt", "entry_point", "test")
    return tuple(
        Sample(row["task_id"], row["prompt"], row["entry_point"], row["test"])
        for _, row in read_rows(folder, TEST_FILE, fields)
    )


def function_prompt(entry_point: str, prompt: str) -> str:
    """Return the question for a function, whose beginning is shown in a code block."""
    return (
        f"Complete the Python function `{entry_point}`. Answer with the whole function "
        f"in one code block and nothing else.\n\n```python\n{prompt.rstrip()}\n```"
    )


def opened(text: str) -> str:
    """Return an answer with the block that it continues, unless the model opened its own."""
    return text if text.lstrip().startswith("```") else PREFIX + text


def _checks(sample: Sample, answers: Answers) -> Checks:
    if not runnable(answers[0]):
        return ()
    # Three tests call helpers of the prompt: they get upstream's, not the candidate's.
    tester = f"{header(sample.prompt, sample.entry_point)}\n{sample.test}"
    return (Program(_candidate(sample, answers[0]), sample.entry_point, tester, LIMITS),)


def _candidate(sample: Sample, answer: Answer) -> str:
    return program(sample.prompt, sample.entry_point, opened(answer.text))


def _score(sample: Sample, answers: Answers, _verdicts: Answers, outcomes: Outcomes) -> Score:
    candidate = _candidate(sample, answers[0]) if outcomes else None
    return program_score(answers[0], outcomes, candidate)


SUITE: Suite[Sample] = Suite(
    name="humaneval",
    version="1",
    source="openai/human-eval @ 6d43fb980f9fee3c892a914eda09951f772ad10d",
    licence="MIT",
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

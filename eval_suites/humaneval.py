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
from eval_suites.grading.status import status_of
from eval_suites.sandbox import Limits, Outcome, Program
from eval_suites.suite import Answer, Decoding, Message, Request, Score, Suite

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


def _ask(sample: Sample, answers: tuple[Answer, ...]) -> tuple[Request, ...]:
    if answers:
        return ()
    text = (
        f"Complete the Python function `{sample.entry_point}`. Answer with the whole function "
        f"in one code block and nothing else.\n\n```python\n{sample.prompt.rstrip()}\n```"
    )
    return (Request(messages=(Message("user", text),), prefix=PREFIX, decoding=DECODING),)


def _checks(sample: Sample, answers: tuple[Answer, ...]) -> tuple[Program, ...]:
    text = answers[0].text
    if status_of(answers[0], text) in {"filtered", "overflow", "empty"}:
        return ()
    # The answer goes on behind the prefix, unless the model opened a block of its own.
    whole = text if text.lstrip().startswith("```") else PREFIX + text
    candidate = program(sample.prompt, sample.entry_point, whole)
    # Three tests call helpers of the prompt: they get upstream's, not the candidate's.
    tester = f"{header(sample.prompt, sample.entry_point)}\n{sample.test}"
    return (Program(candidate, sample.entry_point, tester, LIMITS),)


def _score(
    sample: Sample,
    answers: tuple[Answer, ...],
    _verdicts: tuple[Answer, ...],
    outcomes: tuple[Outcome, ...],
) -> Score:
    status = status_of(answers[0], answers[0].text)
    if status == "filtered":
        return Score(None, status, reason="the endpoint withheld the answer")
    if not outcomes:
        return Score(0.0, status, metrics={"pass_at_1": 0.0})
    outcome = outcomes[0]
    if outcome.verdict == "infra":
        return Score(None, "infra", reason=outcome.reason)
    value = float(outcome.verdict == "pass")
    if outcome.verdict == "timeout":
        status = "timeout"
    candidate = _checks(sample, answers)[0].candidate
    reason = " at ".join(part for part in (outcome.reason, outcome.failing) if part)
    return Score(value, status, candidate, reason, {"pass_at_1": value})


SUITE: Suite[Sample] = Suite(
    name="humaneval",
    version="1",
    source="openai/human-eval @ 6d43fb980f9fee3c892a914eda09951f772ad10d",
    licence="MIT",
    headline="pass_at_1",
    load=_load,
    ask=_ask,
    score=_score,
    checks=_checks,
    decoding=DECODING,
    needs=frozenset({"prefix"}),
)

"""LeetCode: contest problems as classes (DeepSeek-Coder's set: Guo et al. 2024, arXiv 2401.14196).

180 problems of July 2023 to January 2024: 45 easy, 91 medium, 44 hard; MIT for the files, the texts
belong to LeetCode. A chat model gets upstream's text, which ends with the starter code, and its
answer is opened with a python block. The program is the usual imports with the class put behind
them; upstream's asserts decide, within 10 seconds of CPU time. Headline `pass_at_1`, one greedy
answer a problem, also by difficulty. Two problems are about linked lists (`grading/chains.py`).
"""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from eval_suites.errors import DataError
from eval_suites.files import AGAIN, read_rows
from eval_suites.grading import chains
from eval_suites.grading.code import class_program
from eval_suites.grading.programs import METRIC, over_repeats, program_score, runnable
from eval_suites.requests import Answer, Decoding, Message, Request
from eval_suites.sandbox.checks import Limits, Outcome, Program
from eval_suites.scores import Score
from eval_suites.suite import CheckRules, MetricRules, SamplingRules, Suite
from eval_suites.suites import humaneval

FILE = "leetcode/20240121-Jul.jsonl.gz"
DECODING = Decoding(max_tokens=1024, stop=humaneval.DECODING.stop)
LIMITS = Limits(cpu_s=10.0)
CLASS = "Solution"
#: What LeetCode gives every program without being asked.
IMPORTS = """\
import bisect, collections, copy, datetime, functools, heapq, itertools, math, operator
import random, re, string
from bisect import *
from collections import *
from functools import *
from heapq import *
from itertools import *
from math import *
from typing import *
from builtins import pow
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """One problem as upstream has it; `id` is its task_id."""

    id: str
    text: str
    test: str
    difficulty: str

    @property
    def on_chains(self) -> bool:
        """Whether arguments and results are linked lists."""
        return re.search(r"^_f1 = lambda lst: ListNode\(", self.test, re.MULTILINE) is not None


def _load(folder: Path | None) -> Sequence[Sample]:
    fields = ("task_id", "prompt_sft", "test")
    found = []
    for number, row in read_rows(folder, FILE, fields):
        name, text, test = (row[field] for field in fields)
        difficulty = _difficulty(row.get("meta"), f"{folder}/{FILE}, row {number}")
        found.append(Sample(name, text, test, difficulty))
    return tuple(found)


def _difficulty(meta: object, where: str) -> str:
    try:
        known = ast.literal_eval(meta) if isinstance(meta, str) else meta
        return str(known["difficulty"]).lower()  # type: ignore[index] # checked by trying
    except (ValueError, SyntaxError, TypeError, KeyError):
        raise DataError(f"{where}: no difficulty in 'meta'; {AGAIN}") from None


def _ask(sample: Sample, answers: tuple[Answer, ...]) -> tuple[Request, ...]:
    if answers:
        return ()
    messages = (Message("user", sample.text.strip()),)
    return (Request(messages=messages, prefix=humaneval.PREFIX, decoding=DECODING),)


def _checks(sample: Sample, answers: tuple[Answer, ...]) -> tuple[Program, ...]:
    if not runnable(answers[0]):
        return ()
    candidate = _candidate(answers[0])
    if not sample.on_chains:
        return (Program(candidate, CLASS, sample.test, LIMITS),)
    candidate, test = candidate + chains.BEHIND_CANDIDATE, chains.BEFORE_TEST + sample.test
    return (Program(candidate, CLASS, test, LIMITS),)


def _candidate(answer: Answer) -> str:
    return class_program(IMPORTS + chains.NODE, CLASS, humaneval.opened(answer.text))


def _score(
    sample: Sample,
    answers: tuple[Answer, ...],
    _verdicts: tuple[Answer, ...],
    outcomes: tuple[Outcome, ...],
) -> Score:
    candidate = _candidate(answers[0]) if outcomes else None
    score = program_score(answers[0], outcomes, candidate)
    by_difficulty = {f"{sample.difficulty}/{METRIC}": score.metrics[METRIC]}
    return replace(score, metrics={**score.metrics, **by_difficulty})


SUITE: Suite[Sample] = Suite(
    name="leetcode",
    version="1",
    source="deepseek-ai/DeepSeek-Coder @ 2f9fd85927c669dae3c0fbb2d607274023af243e",
    licence="MIT (texts: LeetCode)",
    headline="pass_at_1",
    load=_load,
    ask=_ask,
    score=_score,
    sampling=SamplingRules(decoding=DECODING, needs=frozenset({"prefix"})),
    checking=CheckRules(_checks, programs=True),
    metrics=MetricRules(over_repeats=over_repeats),
)

"""LeetCode: contest problems as classes (DeepSeek-Coder's set: Guo et al. 2024, arXiv 2401.14196).

180 problems of July 2023 to January 2024: 45 easy, 91 medium, 44 hard; MIT for the files, the texts
belong to LeetCode. A chat model gets upstream's text, which ends with the starter code, and its
answer is opened with a python block. The program is the usual imports with the class put behind
them; upstream's asserts decide, within 10 seconds of CPU time. Headline `pass_at_1`, one greedy
answer a problem, also by difficulty. Two problems are about linked lists
(`grading/linked_lists.py`).
"""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from eval_suites.files import malformed, read_rows
from eval_suites.grading import linked_lists
from eval_suites.grading.code import class_program
from eval_suites.grading.programs import METRIC, over_repeats, program_score, runnable
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
    def on_linked_lists(self) -> bool:
        """True where arguments and results are linked lists."""
        return re.search(r"^_f1 = lambda lst: ListNode\(", self.test, re.MULTILINE) is not None


def _load(folder: Path | None) -> Sequence[Sample]:
    fields = ("task_id", "prompt_sft", "test")
    samples = []
    for number, row in read_rows(folder, FILE, fields):
        name, text, test = (row[field] for field in fields)
        difficulty = _difficulty(row.get("meta"), f"{folder}/{FILE}, row {number}")
        samples.append(Sample(name, text, test, difficulty))
    return tuple(samples)


def _difficulty(meta: object, place: str) -> str:
    try:
        facts = ast.literal_eval(meta) if isinstance(meta, str) else meta
        return str(facts["difficulty"]).lower()  # type: ignore[index] # checked by trying
    except (ValueError, SyntaxError, TypeError, KeyError):
        raise malformed(place, "no difficulty in 'meta'") from None


def _checks(sample: Sample, answers: Answers) -> Checks:
    if not runnable(answers[0]):
        return ()
    candidate, test = _candidate(answers[0]), sample.test
    if sample.on_linked_lists:
        candidate += linked_lists.BEHIND_CANDIDATE
        test = linked_lists.BEFORE_TEST + test
    return (Program(candidate, CLASS, test, LIMITS),)


def _candidate(answer: Answer) -> str:
    return class_program(IMPORTS + linked_lists.NODE, CLASS, humaneval.opened(answer.text))


def _score(sample: Sample, answers: Answers, _verdicts: Answers, outcomes: Outcomes) -> Score:
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
    ask=ask_chat(lambda sample: sample.text.strip(), DECODING, humaneval.PREFIX),
    score=_score,
    sampling=SamplingRules(decoding=DECODING, needs=frozenset({"prefix"})),
    checking=CheckRules(_checks, programs=True),
    metrics=MetricRules(over_repeats=over_repeats),
)

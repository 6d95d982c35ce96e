"""LeetCode: contest problems as classes (DeepSeek-Coder's set: Guo et al. 2024, arXiv 2401.14196).

180 problems of July 2023 to January 2024: 45 easy, 91 medium, 44 hard; MIT for the files, the texts
belong to LeetCode. A chat model gets upstream's text, which ends with the starter code, and its
answer is opened with a python block. The program is the usual imports with the class put behind
them; upstream's asserts decide, within 10 seconds of CPU time. Headline `pass_at_1`, one greedy
answer a problem, also by difficulty.

Two problems are about linked lists. A candidate runs in another process than its test, and only
plain values go between them: the sources below, one behind the candidate and one before the test,
turn arguments and results of the class into lists of values and back. They are part of journal
keys.
"""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval_suites.files import malformed, read_rows
from eval_suites.grading.code import class_program
from eval_suites.problems.programs import METRIC, program_suite
from eval_suites.sandbox.checks import Limits, Program
from eval_suites.suite import Checks, Suite

FILE = "leetcode/20240121-Jul.jsonl.gz"
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
#: The class that LeetCode gives every program.
NODE = """\
class ListNode:
    def __init__(self, val=0, next=None):
        self.val = val
        self.next = next
"""
_CHAINS = """
def _chain(values):
    node = None
    for value in reversed(values):
        node = ListNode(value, node)
    return node

def _values(node):
    values = []
    while node is not None:
        values.append(node.val)
        node = node.next
    return values
"""
BEHIND_CANDIDATE = f"""
{_CHAINS}
class _OnLists:
    def __init__(self, made):
        self._made = made

    def __getattr__(self, name):
        method = getattr(self._made, name)
        return lambda **given: _values(method(**{{k: _chain(v) for k, v in given.items()}}))

_Made = Solution
class Solution(_OnLists):
    def __init__(self):
        super().__init__(_Made())
"""
BEFORE_TEST = f"""{NODE}
{_CHAINS}
class _OnChains:
    def __init__(self, remote):
        self._remote = remote

    def __getattr__(self, name):
        method = getattr(self._remote, name)
        return lambda **given: _chain(method(**{{k: _values(v) for k, v in given.items()}}))

_Remote = Solution
Solution = lambda: _OnChains(_Remote())
"""
_ON_LISTS = re.compile(r"^_f1 = lambda lst: ListNode\(", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Sample:
    """One problem as upstream has it; `id` is its task_id."""

    id: str
    text: str
    test: str
    difficulty: str


def _load(folder: Path | None) -> Sequence[Sample]:
    samples = []
    for number, row in read_rows(folder, FILE, ("task_id", "prompt_sft", "test")):
        facts: Any = row.get("meta")
        try:
            facts = ast.literal_eval(facts) if isinstance(facts, str) else facts
            difficulty = str(facts["difficulty"]).lower()
        except (ValueError, SyntaxError, TypeError, KeyError):
            place = f"{folder}/{FILE}, row {number}"
            raise malformed(place, "no difficulty in 'meta'") from None
        samples.append(Sample(row["task_id"], row["prompt_sft"], row["test"], difficulty))
    return tuple(samples)


def _tests(sample: Sample, candidate: str) -> Checks:
    on_lists = _ON_LISTS.search(sample.test)
    behind, before = (BEHIND_CANDIDATE, BEFORE_TEST) if on_lists else ("", "")
    return (Program(candidate + behind, CLASS, before + sample.test, LIMITS),)


SUITE: Suite[Sample] = program_suite(
    name="leetcode",
    version="2",
    source="deepseek-ai/DeepSeek-Coder @ 2f9fd85927c669dae3c0fbb2d607274023af243e",
    licence="MIT (texts: LeetCode)",
    load=_load,
    prompt=lambda sample: sample.text.strip(),
    max_tokens=1024,
    candidate=lambda _sample, text: class_program(IMPORTS + NODE, CLASS, text),
    tests=_tests,
    subsets=lambda sample, _outcomes, value: {f"{sample.difficulty}/{METRIC}": value},
)

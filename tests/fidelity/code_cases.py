"""Cases of the code suites: canonical solutions, or our own, each with a wrong program."""

from collections.abc import Iterator
from pathlib import Path

from eval_suites.registry import find
from eval_suites.suites import humaneval

from .held import Case, Held
from .leetcode_solutions import SOLUTIONS
from .word_cases import rows

_NOTHING = "    return None\n"


def _humaneval(folder: Path) -> Iterator[Case]:
    samples = find("humaneval").load(folder)
    for one, row in zip(samples, rows(folder, humaneval.TEST_FILE), strict=True):
        yield Case(one, one.prompt + row["canonical_solution"], one.prompt + _NOTHING)


def _humaneval_plus(folder: Path) -> Iterator[Case]:
    for one in find("humaneval_plus").load(folder):
        yield Case(one, one.prompt + one.solution, one.prompt + _NOTHING)


def _leetcode(folder: Path) -> Iterator[Case]:
    """The problems that we have a solution of, which a small change makes wrong."""
    for one in find("leetcode").load(folder):
        name = one.id.partition("contest-")[2].partition("-")[2]
        if name in SOLUTIONS:
            body, old, new = SOLUTIONS[name]
            yield Case(one, f"class Solution:{body}", f"class Solution:{body.replace(old, new)}")


CODE = (
    Held(suite="humaneval", cases=_humaneval, samples=164, slow=True),
    Held(suite="humaneval_plus", cases=_humaneval_plus, samples=164, slow=True),
    Held(
        suite="leetcode",
        cases=_leetcode,
        samples=28,
        note="152 of 180 problems are without a solution: upstream has none, these are ours",
    ),
)

"""Cases of MATH: the whole solution, or the closing sentence of Minerva's examples.

The twin is the next sample's gold that is another text; some are equal in value all the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from eval_suites.registry import find
from eval_suites.suites.math import FILE_500, TEST_FILE, Sample

from .held import Case, Held
from .word_cases import rows

_CLOSING = " Final Answer: The final answer is ${}$. I hope it is correct."
_BOXED = r"\boxed{{}}"
_EQUAL: Mapping[str, str] = {
    "1660": "3/4 and \\frac34 are equal",
    "3596": "120 degrees and 120 are equal",
    "4159": "7 % and 7 are equal",
}
#: Golds of `math:eurus` that its reading loses, and twins that it forgives besides.
_EURUS_GOLDS = dict.fromkeys(
    ("470", "3046", "3641", "4056", "4428"),
    'a later sentence with "answer is" or "is the answer" is read in place of the box',
)
_EURUS_TWINS = dict.fromkeys(
    ("162", "973", "1004", "1406", "1435", "4045", "4414", "4415"), "100 times or a hundredth"
)


def _solutions(folder: Path, name: str, file: str) -> Iterator[Case]:
    samples = find(name).load(folder)
    golds = [row["solution"] for row in rows(folder, file)]
    for one, gold, twin in zip(samples, golds, _others(samples), strict=True):
        yield Case(one, gold, _BOXED.replace("{}", twin, 1))


def _sentences(folder: Path) -> Iterator[Case]:
    samples = find("math:minerva4").load(folder)
    for one, twin in zip(samples, _others(samples), strict=True):
        yield Case(one, _CLOSING.replace("{}", one.last), _CLOSING.replace("{}", twin))


def _others(samples: Sequence[Sample]) -> Iterator[str]:
    golds = [one.gold for one in samples]
    for number, own in enumerate(golds):
        yield next(gold for gold in golds[number:] + golds if gold != own)


MATH = (
    Held(
        suite="math",
        cases=partial(_solutions, name="math", file=TEST_FILE),
        samples=5000,
        twins=_EQUAL,
        slow=True,
    ),
    Held(
        suite="math:eurus",
        cases=partial(_solutions, name="math:eurus", file=TEST_FILE),
        samples=5000,
        golds=_EURUS_GOLDS,
        twins={**_EQUAL, **_EURUS_TWINS},
        slow=True,
    ),
    Held(suite="math:minerva4", cases=_sentences, samples=5000, twins=_EQUAL, slow=True),
    Held(
        suite="math500",
        cases=partial(_solutions, name="math500", file=FILE_500),
        samples=500,
        twins={"22": "5 and x=5 are equal"},
    ),
)

"""ASDiv: diverse word problems of grades 1 to 6 (Miao et al. 2020, arXiv 2106.15772; CC BY-NC 4.0).

`asdiv` is all 2,305 problems of the XML file, `asdiv:eurus` the 618 rows of the LILA form with
split "test", on which Eurus is evaluated, under its protocol (`eval_suites.problems.eurus`). Chat
without examples; the question is `Body` and `Question`. No problem is left out, where most
harnesses drop the 90 with several numbers or keep single numbers only; `number/accuracy` (2,096
problems) and its like tell them apart. The other kinds (`grading/kinds.py`): several numbers (90),
all of them and no other, in any order, for the file does not keep the order of the question (a
horse and a saddle: the saddle first); words (59); ratios (43), equal in value; times of day (17).
`accuracy` reads what the answer declares, `accuracy_flexible` the last numbers, ratio or time of
the text (of words, the same as `accuracy`). Gold is upstream's, its faults included (nluds-1411
asks for one age and lists two wrong ones).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from eval_suites.grading.answers import declared
from eval_suites.grading.kinds import RATIO, SEVERAL, TIME, Kind, same_words
from eval_suites.grading.status import compared_score
from eval_suites.problems import eurus
from eval_suites.problems.asdiv import Problem, eurus_problems, problems
from eval_suites.problems.word_problems import (
    CHAT_DECODING,
    FLEXIBLE,
    HEADLINE,
    in_subset,
    number_score,
    once,
)
from eval_suites.requests import Answer, Request
from eval_suites.sandbox.checks import Outcome
from eval_suites.scores import Score
from eval_suites.suite import SamplingRules, Suite

INSTRUCTION = (
    "Work through the problem step by step. Then give the final answer alone inside \\boxed{}; "
    "if it is several numbers, write all of them there, separated by commas."
)
_KINDS: Mapping[str, Kind] = {"numbers": SEVERAL, "ratio": RATIO, "time": TIME}


def _ask(problem: Problem, answers: tuple[Answer, ...]) -> tuple[Request, ...]:
    return once(f"{problem.question}\n\n{INSTRUCTION}", answers)


def _score(
    problem: Problem,
    answers: tuple[Answer, ...],
    _verdicts: tuple[Answer, ...],
    _outcomes: tuple[Outcome, ...],
) -> Score:
    if problem.kind == "number":
        return in_subset(number_score(answers[0], problem.gold), problem.kind)
    shown = declared(answers[0].text)
    right = _readings(problem, shown or "", answers[0].text)
    return in_subset(compared_score(answers[0], shown, HEADLINE, right), problem.kind)


def _readings(problem: Problem, shown: str, text: str) -> dict[str, bool]:
    kind = _KINDS.get(problem.kind)
    if kind is None:
        right = same_words(problem.gold, shown, problem.asked)
        return {HEADLINE: right, FLEXIBLE: right}
    return {
        HEADLINE: kind.agrees(problem.gold, shown),
        FLEXIBLE: kind.agrees(problem.gold, text, last=True),
    }


def _suite(
    name: str, read: Callable[[Path | None], Iterator[Problem]], source: str
) -> Suite[Problem]:
    def load(folder: Path | None) -> Sequence[Problem]:
        return tuple(read(folder))

    return Suite(
        name=name,
        version="2",
        source=source,
        licence="CC BY-NC 4.0",
        headline=HEADLINE,
        load=load,
        ask=_ask,
        score=_score,
        sampling=SamplingRules(decoding=CHAT_DECODING),
    )


FULL: Suite[Problem] = _suite(
    "asdiv", problems, "chaochun/nlu-asdiv-dataset @ 883f90a9a65bf00304ba8f37423910fe743abc47"
)
EURUS: Suite[Problem] = eurus.variant(
    _suite(
        "asdiv:eurus", eurus_problems, "OpenBMB/Eurus @ fd72db1861ef009fede0dbe5bcc9893c9012dacf"
    ),
    "asdiv:eurus",
    lambda one: one.question,
    lambda one, said: eurus.agrees(one.gold, said),
    version="3",
)

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

from collections.abc import Mapping
from dataclasses import replace

from eval_suites.grading.answers import declared
from eval_suites.grading.kinds import RATIO, SEVERAL, TIME, Kind, same_words
from eval_suites.grading.status import compared_score
from eval_suites.problems import eurus
from eval_suites.problems.asdiv import Problem, eurus_problems, problems
from eval_suites.problems.one_turn import ask_chat, score_answer
from eval_suites.problems.word_problems import (
    CHAT_DECODING,
    FLEXIBLE,
    HEADLINE,
    in_subset,
    number_score,
)
from eval_suites.requests import Answer
from eval_suites.scores import Score
from eval_suites.suite import SamplingRules, Suite

INSTRUCTION = (
    "Work through the problem step by step. Then give the final answer alone inside \\boxed{}; "
    "if it is several numbers, write all of them there, separated by commas."
)
_KINDS: Mapping[str, Kind] = {"numbers": SEVERAL, "ratio": RATIO, "time": TIME}


def _prompt(problem: Problem) -> str:
    return f"{problem.question}\n\n{INSTRUCTION}"


def _score(problem: Problem, answer: Answer) -> Score:
    if problem.kind == "number":
        return in_subset(number_score(answer, problem.gold), problem.kind)
    declaration = declared(answer.text)
    right = _readings(problem, declaration or "", answer.text)
    return in_subset(compared_score(answer, declaration, HEADLINE, right), problem.kind)


def _readings(problem: Problem, declaration: str, text: str) -> dict[str, bool]:
    kind = _KINDS.get(problem.kind)
    if kind is None:
        right = same_words(problem.gold, declaration, problem.closing_question)
        return {HEADLINE: right, FLEXIBLE: right}
    return {
        HEADLINE: kind.agrees(problem.gold, declaration),
        FLEXIBLE: kind.agrees(problem.gold, text, last=True),
    }


FULL: Suite[Problem] = Suite(
    name="asdiv",
    version="2",
    source="chaochun/nlu-asdiv-dataset @ 883f90a9a65bf00304ba8f37423910fe743abc47",
    licence="CC BY-NC 4.0",
    headline=HEADLINE,
    load=lambda folder: tuple(problems(folder)),
    ask=ask_chat(_prompt, CHAT_DECODING),
    score=score_answer(_score),
    sampling=SamplingRules(decoding=CHAT_DECODING),
)
EURUS: Suite[Problem] = replace(
    eurus.variant(FULL, "asdiv:eurus", version="3"),
    source="OpenBMB/Eurus @ fd72db1861ef009fede0dbe5bcc9893c9012dacf",
    load=lambda folder: tuple(eurus_problems(folder)),
)

"""Arithmetic word problems (this project; no upstream file): the demo's suite.

200 problems of the split "test" of `arithmetic_problems`, some of them of forms that no training
set has. Headline `accuracy`: the last number of the answer is right, which is this suite's strict
reading, for the answer is asked to end with it. `accuracy_strict` also asks for the form: the text
ends in "answer is N". `arithmetic:train` asks problems of the split "train", to sample training
data from: no test problem is among them.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from eval_suites.grading.answers import flexible_answer, strict_answer
from eval_suites.grading.status import numeric_score
from eval_suites.problems.arithmetic import Problem, problems
from eval_suites.requests import Answer, Decoding, Message, Request
from eval_suites.sandbox.checks import Outcome
from eval_suites.scores import Score
from eval_suites.suite import SamplingRules, Suite

TEST_PROBLEMS = 200
TEST_SEED = 0
TRAIN_PROBLEMS = 400
TRAIN_SEED = 1
INSTRUCTION = "Write one short calculation, then end with a sentence that gives the number."
DECODING = Decoding(max_tokens=48)
_GOES_ON = re.compile(r"[.!?]\s+\S|\n\s*\S")


def prompt(problem: Problem) -> str:
    """What the user says: the question, then how to answer. Training data uses the same text."""
    return f"{problem.question}\n{INSTRUCTION}"


def final_answer(text: str) -> str | None:
    """The number of a text that ends in "answer is N", normalised; None for any other ending."""
    _, marked, ending = text.lower().rpartition("answer is")
    if not marked or _GOES_ON.search(ending):
        return None
    return strict_answer(marked + ending)


def _load(_folder: Path | None) -> Sequence[Problem]:
    return problems("test", TEST_PROBLEMS, TEST_SEED)


def _load_train(_folder: Path | None) -> Sequence[Problem]:
    return problems("train", TRAIN_PROBLEMS, TRAIN_SEED)


def _ask(problem: Problem, answers: tuple[Answer, ...]) -> tuple[Request, ...]:
    if answers:
        return ()
    return (Request(messages=(Message("user", prompt(problem)),), decoding=DECODING),)


def _score(
    problem: Problem,
    answers: tuple[Answer, ...],
    _verdicts: tuple[Answer, ...],
    _outcomes: tuple[Outcome, ...],
) -> Score:
    text = answers[0].text
    readings = {"accuracy": flexible_answer(text), "accuracy_strict": final_answer(text)}
    return numeric_score(answers[0], str(problem.answer), "accuracy", readings)


SUITE: Suite[Problem] = Suite(
    name="arithmetic",
    version="1",
    source="this project",
    licence="Apache-2.0",
    headline="accuracy",
    load=_load,
    ask=_ask,
    score=_score,
    sampling=SamplingRules(decoding=DECODING),
)

TRAIN = replace(
    SUITE,
    name="arithmetic:train",
    load=_load_train,
    sampling=replace(SUITE.sampling, training=True),
)

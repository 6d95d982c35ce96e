"""Arithmetic word problems (this project; no upstream file): the demo's suite.

200 problems of the split "test" of `problems.arithmetic`, some of them of forms that no training
set has. Headline `accuracy`: the last number of the answer is right, which is this suite's strict
reading, for the answer is asked to end with it. `accuracy_strict` also asks for the form: the text
ends in "answer is N". `arithmetic:train` asks problems of the split "train", to sample training
data from: no test problem is among them.
"""

import re
from dataclasses import replace

from eval_suites.grading.quantities import declared_quantity, last_quantity
from eval_suites.grading.status import numeric_score
from eval_suites.problems.arithmetic import Problem, problems
from eval_suites.problems.one_turn import ask_chat, score_answer
from eval_suites.requests import Answer, Decoding
from eval_suites.scores import Score
from eval_suites.suite import SamplingRules, Suite

TEST_PROBLEMS = 200
TEST_SEED = 0
TRAIN_PROBLEMS = 400
TRAIN_SEED = 1
INSTRUCTION = "Write one short calculation, then end with a sentence that gives the number."
DECODING = Decoding(max_tokens=48)
_CONTINUES = re.compile(r"[.!?]\s+\S|\n\s*\S")


def prompt(problem: Problem) -> str:
    """Return the user's message: the question, then how to answer. Training data has the same."""
    return f"{problem.question}\n{INSTRUCTION}"


def final_answer(text: str) -> str | None:
    """Return the number of a text that ends in "answer is N", normalised; None for another end."""
    _, mark, ending = text.lower().rpartition("answer is")
    if not mark or _CONTINUES.search(ending):
        return None
    return declared_quantity(mark + ending)


def _score(problem: Problem, answer: Answer) -> Score:
    readings = {
        "accuracy": last_quantity(answer.text),
        "accuracy_strict": final_answer(answer.text),
    }
    return numeric_score(answer, str(problem.answer), "accuracy", readings)


SUITE: Suite[Problem] = Suite(
    name="arithmetic",
    version="1",
    source="this project",
    licence="Apache-2.0",
    headline="accuracy",
    load=lambda _folder: problems("test", TEST_PROBLEMS, TEST_SEED),
    ask=ask_chat(prompt, DECODING),
    score=score_answer(_score),
    sampling=SamplingRules(decoding=DECODING),
)
TRAIN: Suite[Problem] = replace(
    SUITE,
    name="arithmetic:train",
    load=lambda _folder: problems("train", TRAIN_PROBLEMS, TRAIN_SEED),
    sampling=replace(SUITE.sampling, training=True),
)

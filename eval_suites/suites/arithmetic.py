"""Arithmetic word problems of our own (no upstream file): the demo's suite.

They are pure, seeded, and split so that training cannot leak: a problem belongs to one split by a
hash of its template and numbers, so a test problem is in no training set whatever the seeds, not
even under other names; some templates occur only in "test".

The suite asks 200 problems of the split "test". Headline `accuracy`: the last number of the answer
is right, which is this suite's strict reading, for the answer is asked to end with it.
`accuracy_strict` also asks for the form: the text ends in "answer is N". `arithmetic:train` asks
problems of the split "train", to sample training data from: no test problem is among them.
"""

import functools
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from operator import add, floordiv, mul, sub
from random import Random
from typing import Literal

import yaml

from eval_suites.grading.quantities import declared_quantity, last_quantity
from eval_suites.grading.status import numeric_score
from eval_suites.problems.one_turn import ask_chat, score_answer
from eval_suites.requests import Answer, Decoding
from eval_suites.scores import Score
from eval_suites.suite import SamplingRules, Suite

Split = Literal["train", "probe", "test"]

TEST_PROBLEMS = 200
TEST_SEED = 0
TRAIN_PROBLEMS = 400
TRAIN_SEED = 1
INSTRUCTION = "Write one short calculation, then end with a sentence that gives the number."
DECODING = Decoding(max_tokens=48)
_CONTINUES = re.compile(r"[.!?]\s+\S|\n\s*\S")
#: The most problems of a set; the smallest split holds several times as many.
MOST_PROBLEMS = 1000
#: The splits that a template's numbers are dealt to, by hash.
_SHARES: tuple[Split, ...] = ("train",) * 6 + ("probe",) * 2 + ("test",) * 2
_SIGNS: Mapping[str, Callable[[int, int], int]] = {"+": add, "-": sub, "*": mul, "/": floordiv}
_NAMES = (
    "Ada", "Ben", "Carla", "Deniz", "Elif", "Femi", "Greta", "Hugo",
    "Ines", "Jonas", "Kenji", "Lena", "Marek", "Nora", "Omar", "Priya",
)  # fmt: skip
_THINGS = (
    "apples", "marbles", "stickers", "pencils", "shells", "buttons",
    "cards", "cookies", "stamps", "beads", "plums", "coins",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One calculation on two integers; division is always exact."""

    left: int
    sign: str
    right: int

    @property
    def result(self) -> int:
        """The result of the calculation."""
        return _SIGNS[self.sign](self.left, self.right)

    def as_text(self, result: int | None = None) -> str:
        """Return the calculation as text, with `result` in the place of its own if given."""
        return f"{self.left} {self.sign} {self.right} = {self.result if result is None else result}"


@dataclass(frozen=True, slots=True)
class Problem:
    """A word problem with the steps that solve it.

    `id` is the row in its set, `template` the name of its form; `name` and `thing` are the person
    and the things that it is about. `outline` is a sentence that solves it, with places `{first}`
    and `{last}` for the steps' calculations (only the last where there is one); empty for templates
    of tests only.
    """

    id: str
    template: str
    question: str
    name: str
    thing: str
    steps: tuple[Step, ...]
    outline: str = ""

    @property
    def answer(self) -> int:
        """The result of the last step."""
        return self.steps[-1].result


@dataclass(frozen=True, slots=True)
class _Template:
    """A text with places, a range for each number, and steps over the numbers' letters.

    A form without an outline occurs in the split "test" only: nothing is trained on it.
    """

    name: str
    text: str
    ranges: tuple[tuple[int, int], ...]
    steps: tuple[str, ...]
    outline: str = ""


@functools.cache
def _templates() -> tuple[_Template, ...]:
    text = files("eval_suites.problems").joinpath("arithmetic_templates.yaml").read_text("utf-8")
    return tuple(_Template(**row) for row in yaml.safe_load(text))


def problems(split: Split, n: int, seed: int) -> tuple[Problem, ...]:
    """Draw `n` different problems of a split, the same ones for the same arguments.

    The templates take turns, so each has its share of any set.

    Args:
        split: "train", "probe" (held out, templates as in train) or "test" (templates of its own
            beside the shared ones). No two splits share a template's numbers.
        n: at most 1,000.
        seed: of the draw.

    Raises:
        ValueError: `n` is negative or above 1,000, or `split` unknown.
    """
    if split not in _SHARES or not 0 <= n <= MOST_PROBLEMS:
        raise ValueError(
            f"no {n} problems of split {split!r}: say train, probe or test, 0 to {MOST_PROBLEMS}"
        )
    rng = Random(f"arithmetic:{split}:{seed}")
    templates = [form for form in _templates() if split == "test" or form.outline]
    drawn: dict[str, Problem] = {}
    while len(drawn) < n:
        problem = _draw(rng, templates[len(drawn) % len(templates)], split, str(len(drawn)))
        drawn.setdefault(problem.question, problem)
    return tuple(drawn.values())


def _draw(rng: Random, template: _Template, split: Split, row: str) -> Problem:
    """Draw a problem of this template whose numbers belong to this split."""
    while True:
        numbers = {
            letter: rng.randint(*span) for letter, span in zip("abc", template.ranges, strict=False)
        }
        steps = _solve(template, numbers)
        if steps and _split_of(template, numbers) == split:
            break
    name, other = rng.sample(_NAMES, 2)
    thing = rng.choice(_THINGS)
    words = {"name": name, "other": other, "thing": thing, **numbers}
    outline = template.outline.format(first="{first}", last="{last}", **words)
    return Problem(row, template.name, template.text.format(**words), name, thing, steps, outline)


def _split_of(template: _Template, numbers: Mapping[str, int]) -> Split:
    if not template.outline:
        return "test"
    key = f"{template.name}:{sorted(numbers.items())}"
    return _SHARES[hashlib.sha256(key.encode()).digest()[0] % len(_SHARES)]


def _solve(template: _Template, numbers: Mapping[str, int]) -> tuple[Step, ...]:
    """Return the steps with their numbers, or nothing where a result is no positive integer."""
    values, steps = dict(numbers), []
    for text in template.steps:
        left, sign, right = text.split()
        step = Step(values[left], sign, values[right])
        if (sign == "/" and step.left % step.right) or step.result < 2:
            return ()
        values["r"] = step.result
        steps.append(step)
    return tuple(steps)


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
    text = answer.text
    readings = {"accuracy": last_quantity(text), "accuracy_strict": final_answer(text)}
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

"""Four responses of really different quality to an arithmetic problem, and the verifier's rewards.

The verifier reads the text alone. How a response was made, and at which place it stands, does not
reach it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from random import Random

from eval_suites.arithmetic_problems import Problem, Step
from eval_suites.grading.answers import flexible_answer, same_number

#: What the parts of a reward weigh: the final number, the shown calculation, brevity.
ANSWER, CALCULATION, BREVITY = 0.5, 0.2, 0.3
#: Characters from which on a response is not brief at all (about 48 tokens).
LONG_CHARACTERS = 160
_SHOWN = re.compile(r"([0-9]+)\s*([-+*/x×÷])\s*([0-9]+)\s*=\s*([0-9]+)")
_GUESSES = (
    (
        "I did not work it out, but looking at all those numbers it could be about {n} {thing}, "
        "so let me say that it is {n}."
    ),
    (
        "It is hard to say without a piece of paper, and there are many {thing} in this story, "
        "maybe as many as {n}."
    ),
    (
        "{name} probably ends up with something like {n} {thing}, give or take a few, though I "
        "would not bet on {n}."
    ),
)
_SIGNS = str.maketrans("x×÷", "**/")


def responses(problem: Problem, seed: int) -> tuple[str, ...]:
    """Four texts in random order: clear, rambling, wrong by one step, and a wrong guess.

    The same arguments give the same texts.
    """
    rng = Random(f"responses:{seed}:{problem.question}")
    makers: Sequence[Callable[[Problem, Random], str]] = (_clear, _rambling, _slipped, _guess)
    texts = [make(problem, rng) for make in makers]
    rng.shuffle(texts)
    return tuple(texts)


def reward(problem: Problem, text: str) -> float:
    """Grade a text against a problem, 0 to 1.

    0.5 for a right last number, up to 0.2 for the problem's own calculations being shown (half of
    a step's share when the numbers are set up right and the result is not), up to 0.3 for brevity,
    falling with every character. So a right answer beats every wrong one, and a text without a
    number earns nothing.
    """
    last = flexible_answer(text)
    if last is None:
        return 0.0
    right = same_number(last, str(problem.answer))
    parts = ANSWER * right + CALCULATION * _calculated(problem, text) + BREVITY * _brief(text)
    return round(parts, 4)


def _calculated(problem: Problem, text: str) -> float:
    """The mean over the problem's steps of how well the text shows them, 0 to 1."""
    shown = {
        _sides(left, sign, right): result
        for left, sign, right, result in _SHOWN.findall(text.translate(_SIGNS))
    }
    return sum(_credit(step, shown) for step in problem.steps) / len(problem.steps)


def _sides(left: str, sign: str, right: str) -> str:
    """The left side of a calculation, the same text for 3 + 4 and 4 + 3."""
    ordered = sorted((left, right)) if sign in "+*" else (left, right)
    return sign.join(ordered)


def _credit(step: Step, shown: Mapping[str, str]) -> float:
    result = shown.get(_sides(str(step.left), step.sign, str(step.right)))
    if result is None:
        return 0.0
    return 1.0 if same_number(result, str(step.result)) else 0.5


def _brief(text: str) -> float:
    return max(0.0, 1.0 - len(text.strip()) / LONG_CHARACTERS)


def _clear(problem: Problem, _rng: Random) -> str:
    lines = " ".join(f"{step.shown()}." for step in problem.steps)
    return f"{lines} The answer is {problem.answer}."


def _rambling(problem: Problem, rng: Random) -> str:
    lines = ", and ".join(step.shown() for step in problem.steps)
    opening = rng.choice(("Well, let me think about it.", "Hmm, this takes some care."))
    middle = rng.choice(("Going slowly", "Bit by bit"))
    closing = rng.choice(("so I would say it is", "which should make it"))
    return f"{opening} {middle}, I find {lines}, {closing} {problem.answer}."


def _slipped(problem: Problem, rng: Random) -> str:
    """The clear form with a slip in the last result, and a check that does not notice it."""
    wrong = problem.answer + rng.choice((-1, 1))
    *before, last = problem.steps
    lines = " ".join([*(f"{step.shown()}." for step in before), f"{last.shown(wrong)}."])
    return f"{lines} Counting once more, it stays {wrong}. The answer is {wrong}."


def _guess(problem: Problem, rng: Random) -> str:
    """No calculation, and many words: all that is short and wrong would teach to go on."""
    wrong = problem.answer + rng.choice((-1, 1)) * rng.randint(2, 9)
    if wrong < 1:
        wrong = problem.answer + rng.randint(2, 9)
    form = rng.choice(_GUESSES)
    return form.format(n=wrong, thing=problem.thing, name=problem.name)

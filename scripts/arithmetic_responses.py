"""Four responses of really different quality to an arithmetic problem, and the verifier's rewards.

All four are in forms that a small chat model uses by itself: contrast that pushes down what a model
would never say teaches it little and spoils what it can do (measured: accuracy halved).

The verifier reads the text alone. How a response was made, and at which place it stands, does not
reach it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from random import Random

from eval_suites.grading.numbers import same_number
from eval_suites.grading.quantities import last_quantity
from eval_suites.suites.arithmetic import Problem, Step

#: The weights of a reward's parts: the final number, the shown calculation, brevity.
ANSWER, CALCULATION, BREVITY = 0.5, 0.2, 0.3
#: Characters of a response that earns nothing for brevity (about 48 tokens).
LONG_CHARACTERS = 160
_SHOWN = re.compile(r"([0-9]+)\s*([-+*/x×÷])\s*([0-9]+)\s*=\s*([0-9]+)")
_SIGNS = str.maketrans("x×÷", "**/")


def responses(problem: Problem, seed: int) -> tuple[str, ...]:
    """Return four texts in random order: clear, rambling, wrong by one step, and wrong.

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
    last = last_quantity(text)
    if last is None:
        return 0.0
    right = same_number(last, str(problem.answer))
    parts = ANSWER * right + CALCULATION * _calculated(problem, text) + BREVITY * _brief(text)
    return round(parts, 4)


def _calculated(problem: Problem, text: str) -> float:
    """Return the mean credit, 0 to 1, for the problem's steps that the text shows."""
    shown = {
        _sides(left, sign, right): result
        for left, sign, right, result in _SHOWN.findall(text.translate(_SIGNS))
    }
    return sum(_credit(step, shown) for step in problem.steps) / len(problem.steps)


def _sides(left: str, sign: str, right: str) -> str:
    """Return the left side of a calculation, the same text for 3 + 4 and 4 + 3."""
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
    return _outlined(problem)


def _rambling(problem: Problem, rng: Random) -> str:
    again = rng.choice(("Counting again, it is", "Let me check, it is"))
    return f"{_outlined(problem)} {again} {problem.answer}."


def _slipped(problem: Problem, rng: Random) -> str:
    """Return the clear form with a slip in the last result."""
    return _outlined(problem, problem.answer + rng.choice((-1, 1)))


def _guess(problem: Problem, rng: Random) -> str:
    """Return calculations that are not the problem's, as small models often give."""
    step = problem.steps[0]
    signs = [sign for sign in ("+", "*") if sign != step.sign]
    other = Step(step.left, rng.choice(signs), step.right)
    more = [n for n in (1, 2, 3) if other.result + n != problem.answer]
    last = Step(other.result, "+", rng.choice(more))
    return f"1. {other.as_text()}\n2. {last.as_text()}\n3. The answer is {last.result}."


def _outlined(problem: Problem, result: int | None = None) -> str:
    """Return the problem's outline with its calculations, the last result replaced if given."""
    first, last = problem.steps[0], problem.steps[-1]
    return problem.outline.format(first=first.as_text(), last=last.as_text(result))

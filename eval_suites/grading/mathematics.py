r"""The grading of mathematical answers: rules first, math-verify only where they stop.

The rules (`equality`) work on plain text forms and take microseconds. Pairs that they leave open go
to `symbolic` in a killable process of the sandbox. A check that timed out or crashed is our fault:
the sample is `ungraded`, not wrong. Exact: 0.33 is not 1/3, 0.5 is not 50, and
`(-\infty,2)` is not `(-\infty,2]`.

A unit that only one of two answers states is left out of account, as is a word that is no unit
here ("apples"). Where both state one, the two must be the same, their power included: 25 m is not
25 km. Nothing is converted.
"""

import re
from collections.abc import Sequence
from itertools import accumulate

from eval_suites.grading.equality import compare
from eval_suites.grading.forms import elements
from eval_suites.grading.latex import normalise
from eval_suites.grading.status import status_of
from eval_suites.requests import Answer
from eval_suites.sandbox.checks import Call, Check, Limits, Outcome
from eval_suites.scores import Score

#: Two seconds of CPU, ten on the clock, and room for sympy.
LIMITS = Limits(cpu_s=2.0, wall_s=10.0, memory_bytes=3 << 30)
#: Longer or deeper answers are equal only when they are the same text.
LONGEST = 1000
DEEPEST = 20
METRIC = "accuracy"
#: The modulus of a congruence, and what is congruent.
_MODULUS = re.compile(
    r"^.*\\equiv(?![A-Za-z])|\\pmod\s*\{?[^{}]*\}?|\\(?:bmod|mod)(?![A-Za-z]).*"
    r"|(?:\\[ ,;]|\s)*\((?:\\(?:text|mathrm)\s*\{\s*)?\s*mod\b.*\)"
)
_UNIT_NAMES = (
    "mm millimeter millimetre", "cm centimeter centimetre", "m meter metre",
    "km kilometer kilometre", "in inch inches", "ft foot feet", "yd yard", "mi mile",
    "mg milligram", "g gram", "kg kilogram", "lb lbs pound", "oz ounce", "ton tonne",
    "ms millisecond", "s sec second", "min minute", "h hr hour", "day", "week", "month", "year",
    "ml mL milliliter millilitre", "l L liter litre", "gallon", "quart", "pint", "cup",
    "dollar", "cent penny pennies", "mph", "degree", "radian rad",
)  # fmt: skip
_CANONICAL = {
    spelling: names.split()[0]
    for names in _UNIT_NAMES
    for name in names.split()
    for spelling in (name, f"{name}s")
}
_UNIT = re.compile(
    r"(?<=[\d)}.\s,\\])(?:\\[,;: ]|[~\s])*(?:\\(?:text|mathrm|mbox|textrm|rm)\s*\{[~\s]*)?"
    r"(?P<square>(?:square|sq\.?|cubic|cu\.?)\s+)?(?P<name>[A-Za-z]{1,12})\.?\s*\}?"
    r"(?:\s*\^\s*\{?(?P<power>\d)\}?)?[\s.$}]*$"
)
#: A unit stands at the end; of a long text only that is looked at.
_LONGEST_END = 200


def decide(gold: str, answer: str) -> bool | None:
    """Return True where an answer equals the gold; None where only math-verify can tell."""
    depths = accumulate((sign in "([{") - (sign in ")]}") for sign in answer)
    if len(answer) > LONGEST or max(depths, default=0) > DEEPEST:
        return answer.strip() == gold.strip()
    if units_differ(gold, answer):
        return False
    return compare(normalise(gold), _plain(gold, answer))


def is_list(answer: str) -> bool:
    """Return True where an answer lists several values; one that is too long to read does not."""
    return len(answer) <= LONGEST and len(elements(normalise(answer))) > 1


def checks(gold: str, answer: str | None) -> tuple[Check, ...]:
    """Return the call that decides about an answer; nothing where the rules decide."""
    if answer is None or decide(gold, answer) is not None:
        return ()
    arguments = {"gold": normalise(gold), "answer": _plain(gold, answer)}
    return (Call("eval_suites.grading.symbolic:equal", arguments, LIMITS),)


def graded(answer: Answer, gold: str, extracted: str | None, outcomes: Sequence[Outcome]) -> Score:
    """Return 1 or 0 as `accuracy`; no value where a necessary check did not come to its end.

    Gold and the answer that was read in the model's text are LaTeX; the outcomes are of `checks`.
    """
    status = status_of(answer, extracted)
    right = False if extracted is None else decide(gold, extracted)
    if right is None:
        if not outcomes:
            return Score(None, "ungraded", extracted, "the answer was not checked")
        if outcomes[0].verdict != "pass":
            return Score(None, "ungraded", extracted, f"the check failed: {outcomes[0].reason}")
        right = bool(outcomes[0].value)
    return Score(float(right), status, extracted, metrics={METRIC: float(right)})


def unit_of(latex: str) -> str | None:
    """Return the unit behind a number as `km` or `ft^2`; None for none, or a word that is none."""
    latex = latex[-_LONGEST_END:]
    match = _UNIT.search(latex)
    if match is None or not re.search(r"\d", latex[: match.start()]):
        return None
    name = _CANONICAL.get(match["name"]) or _CANONICAL.get(match["name"].lower())
    if name is None:
        return None
    word = (match["square"] or "").strip(". ")
    power = {"square": "2", "sq": "2", "cubic": "3", "cu": "3"}.get(word, match["power"])
    return f"{name}^{power}" if power else name


def units_differ(gold: str, answer: str) -> bool:
    """Return True where both answers state a unit, and not the same one."""
    left, right = unit_of(gold), unit_of(answer)
    return left is not None and right is not None and left != right


def _plain(gold: str, answer: str) -> str:
    """Return the plain form of an answer, as a bare residue where gold names no modulus."""
    return normalise(answer if "mod" in gold else _MODULUS.sub("", answer))

"""Expressions compared by math-verify's LaTeX parser and sympy: only for killable processes.

Called by `eval_suites.sandbox` (see `eval_suites.grading.mathematics`), never imported beside an
engine: it may take any time and memory. math-verify's reader of formulas outside LaTeX is not used,
for it hands text to Python's `eval`; its time-outs are off, for they need signals.
"""

import functools
import gc
import re
from typing import Any

from math_verify import LatexExtractionConfig, parse, verify
from sympy import Expr, Float, N, Rational, simplify

from eval_suites.grading.equality import compare

_DIGITS = 30
#: How far two computed constants may be apart, relative to their size.
_TOLERANCE = 1e-9
_EXAMPLES = (
    ("2k+2", "2(k+1)"),
    ("x^3-5x+1", "5r^5"),
    (r"2\sqrt{3}-\frac{1}{2}", r"\frac{\sqrt[3]{6}}{5}"),
    (r"\cot x+\sin^2 y", r"\tan\frac{x}{2}"),
    (r"3i+\pi", r"e^{2\pi i}"),
    ("y=2x+3", "2y-4x=5"),
    (r"\log_2 3", r"\binom{5}{2}+3!"),
)
#: A variable in capitals: a letter that is in no command and no subscript, and has none itself.
_CAPITAL = re.compile(r"\\[A-Za-z]+|_\{[^{}]*\}|[A-Z](?!_)")


def equal(gold: str, answer: str) -> bool:
    """Whether two answers in plain form are equal; what cannot be parsed equals nothing."""
    return bool(compare(gold, answer, _same_expression))


@functools.cache
def warm() -> None:
    """Compare a few expressions, so that parser and sympy have learnt and loaded what all need.

    The sandbox calls this in the process that it forks: a comparison then takes a fraction.
    """
    for gold, answer in _EXAMPLES:
        equal(gold, answer)
    gc.freeze()  # a collection in a forked process would copy every page


def _same_expression(gold: str, answer: str) -> bool:
    one, other = _parsed(gold), _parsed(answer)
    if one is None or other is None:
        return False
    return bool(verify(one, other, timeout_seconds=None)) and _same_size(one, other)


def _parsed(latex: str) -> Any:
    found = parse(
        f"${_CAPITAL.sub(_told_apart, latex)}$",
        extraction_config=[LatexExtractionConfig()],
        fallback_mode="no_fallback",
        parsing_timeout=None,
    )
    return _exact(found[0]) if found else None


def _exact(one: Any) -> Any:
    """An expression worked out, with decimals as the fractions that they are."""
    if not isinstance(one, Expr):
        return one
    return one.xreplace({each: Rational(str(each)) for each in one.atoms(Float)}).doit()


def _told_apart(found: re.Match[str]) -> str:
    """`R` gets a subscript, for math-verify would read it as `r`."""
    text = found.group()
    return f"{{{text}_{{0}}}}" if len(text) == 1 else text


def _same_size(one: Any, other: Any) -> bool:
    """Whether two constants agree in their leading digits: math-verify takes 1/2004! for 1/2006!.

    True for what is no constant.
    """
    if not all(isinstance(each, Expr) and not each.free_symbols for each in (one, other)):
        return True
    left, right = N(one, _DIGITS), N(other, _DIGITS)
    if abs(left - right) <= _TOLERANCE * max(abs(left), abs(right)):
        return True
    return bool(simplify(one - other) == 0)

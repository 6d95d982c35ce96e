"""The comparison of expressions by math-verify's LaTeX parser and sympy, in killable processes.

Called by `eval_suites.sandbox` (see `eval_suites.grading.mathematics`), never imported beside an
engine: it may take any time and memory. math-verify's reader of formulas outside LaTeX is not used,
for it hands text to Python's `eval`; its time-outs are off, for they need signals.
"""

import functools
import gc
import re
from typing import Any

from math_verify import LatexExtractionConfig, parse, verify
from sympy import Expr, Float, I, N, Rational, simplify

from eval_suites.grading.equality import compare

_DIGITS = 30
#: The relative difference of two computed constants that are equal.
_TOLERANCE = 1e-20
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
    """Return True where two answers in plain form are equal; one that cannot be parsed never is."""
    return bool(compare(gold, answer, _same_expression))


@functools.cache
def warm() -> None:
    """Compare a few expressions, so that parser and sympy have loaded what every comparison needs.

    The sandbox calls this in the process that it forks: a comparison then takes a fraction.
    """
    for gold, answer in _EXAMPLES:
        equal(gold, answer)
    gc.freeze()  # a collection in a forked process would copy every page


def _same_expression(gold: str, answer: str) -> bool:
    left, right = _parsed(gold), _parsed(answer)
    if left is None or right is None:
        return False
    if all(isinstance(side, Expr) and not side.free_symbols for side in (left, right)):
        return _same_constant(left, right)
    return bool(verify(left, right, timeout_seconds=None))


def _parsed(latex: str) -> Any:
    """Return an expression worked out, with decimals as the fractions that they are."""
    expressions = parse(
        f"${_CAPITAL.sub(_subscripted, latex)}$",
        extraction_config=[LatexExtractionConfig()],
        fallback_mode="no_fallback",
        parsing_timeout=None,
    )
    expression = expressions[0] if expressions else None
    if not isinstance(expression, Expr):
        return expression
    fractions = {number: Rational(str(number)) for number in expression.atoms(Float)}
    units = {symbol: I for symbol in expression.free_symbols if str(symbol) == "i"}
    return expression.xreplace(fractions).subs(units).doit()


def _subscripted(capital: re.Match[str]) -> str:
    """Return `R` with a subscript, for math-verify would read it as `r`."""
    text = capital.group()
    return f"{{{text}_{{0}}}}" if len(text) == 1 else text


def _same_constant(gold: Expr, answer: Expr) -> bool:
    """Return True where two constants agree in their leading digits, or are the same by algebra.

    math-verify takes 1/2004! for 1/2006!, and does not multiply by the imaginary unit.
    """
    left, right = N(gold, _DIGITS), N(answer, _DIGITS)
    if not (left.is_finite and right.is_finite):
        return bool(left == right)
    if abs(left - right) <= _TOLERANCE * max(abs(left), abs(right)):
        return True
    return bool(simplify(gold - answer) == 0)

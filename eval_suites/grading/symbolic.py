"""Expressions compared by math-verify's LaTeX parser and sympy: only for killable processes.

Called by `eval_suites.sandbox` (see `eval_suites.grading.mathematics`), never imported beside an
engine: it may take any time and memory. math-verify's reader of formulas outside LaTeX is not used,
for it hands text to Python's `eval`; its time-outs are off, for they need signals.
"""

from typing import Any

from math_verify import LatexExtractionConfig, parse, verify
from sympy import Expr, N, simplify

from eval_suites.grading.equality import compare

_DIGITS = 30
#: A decimal with nine right digits counts as the irrational number that it stands for.
_TOLERANCE = 1e-9


def equal(gold: str, answer: str) -> bool:
    """Whether two answers in plain form are equal; what cannot be parsed equals nothing."""
    return bool(compare(gold, answer, _same_expression))


def _same_expression(gold: str, answer: str) -> bool:
    one, other = _parsed(gold), _parsed(answer)
    if one is None or other is None:
        return False
    return bool(verify(one, other, timeout_seconds=None)) and _same_size(one, other)


def _parsed(latex: str) -> Any:
    found = parse(
        f"${latex}$",
        extraction_config=[LatexExtractionConfig()],
        fallback_mode="no_fallback",
        parsing_timeout=None,
    )
    return found[0] if found else None


def _same_size(one: Any, other: Any) -> bool:
    """Whether two constants agree in their leading digits: math-verify takes 1/2004! for 1/2006!.

    True for what is no constant.
    """
    if not all(isinstance(each, Expr) and not each.free_symbols for each in (one, other)):
        return True
    left, right = N(one, _DIGITS), N(other, _DIGITS)
    if abs(left - right) <= _TOLERANCE * max(abs(left), abs(right)):
        return True
    return simplify(one - other) == 0

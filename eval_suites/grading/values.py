r"""The value of plain arithmetic, as models box it: `\frac{3\pi}{4}`, `1.6 \times 10^{-19}`.

Numbers, + - * / ^ !, fractions, roots, `\ln`, `\exp`, `\pi` and e, with a unit behind; fractions
stay exact. Nothing is evaluated as code, and sizes are capped, so that no text takes long.
Limits: no variables, no `\log` (its base is not said), no complex numbers; percent signs and
degree signs are dropped.
"""

import math
import re
from collections.abc import Callable, Mapping
from fractions import Fraction

from eval_suites.grading.typesetting import rewrite, rules

Number = Fraction | float

_LONGEST = 200
_DEEPEST = 30
_LARGEST_BITS = 20_000
_LARGEST_FACTORIAL = 170
_CLOSES = {"(": ")", "{": "}", "[": "]"}
_CONSTANTS: Mapping[str, float] = {"pi": math.pi, "e": math.e}
_FUNCTIONS: Mapping[str, Callable[[float], float]] = {
    "sqrt": math.sqrt,
    "ln": math.log,
    "exp": math.exp,
}
_KNOWN = {*_CONSTANTS, *_FUNCTIONS, "frac"}
_OPENS = {*_CLOSES, *_KNOWN}
_TOKEN = re.compile(
    r"(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3}(?![0-9A-Za-z.]))?)"
    r"|\\?(?P<word>[A-Za-z]+)|(?P<sign>\S)"
)
# A letter right behind a number is a variable (2x), one behind a space may be a unit (2 m).
_UNIT = re.compile(
    r"(?<=\s)[msghdlAVWJNKCFHTL]\b|(?!sin|cos|tan|log)[A-Za-z]{2,}|\\(?:Omega|mu|degree)\b"
)
_POWER = re.compile(r"\^\s*\{?\s*-?\d\s*\}?")
#: In order: spellings of signs, texts that are dropped or become a unit, short forms.
_SPELLINGS = rules(
    (r"[\u2212\u2013\ufe63\uff0d]", "-"),
    (r"\u03c0", r"\\pi "),
    (r"\u221a", r"\\sqrt "),
    (r"\u00b2", "^2"),
    (r"\u00b3", "^3"),
    (r"\\times|\\cdot|\u00d7|\u00b7|\u22c5", "*"),
    (r"\\div|\u00f7", "/"),
    (r"\*\*", "^"),
    (r"\{,\}", ","),
    (
        r"\\left|\\right|\\displaystyle|\\[,!;: ()\[\]]|\\?[$%]|~|\^\s*\{?\s*\\circ\s*\}?|\u00b0",
        " ",
    ),
    (r"\\(?:text|mathrm|mbox|textbf|mathbf)\s*\{([^{}]*)\}", r" \1 "),
    (r"(?<=\d)\s*[xX]\s*(?=10\s*\^)", "*"),
    (r"\\[dtc]frac", r"\\frac"),
    (r"\\frac\s*(\d)\s*(\d)", r"\\frac{\1}{\2}"),
    (r"(?<![\d.^])(\d+)\s*\\frac\s*\{(\d+)\}\s*\{(\d+)\}", r"(\1+\2/\3)"),
)
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?!,?\d)")
_EQUALS = re.compile(r"=|\u2248|\\approx|\\simeq|\\sim")


def value_of(text: str) -> Number | None:
    """Return the value of a text that is one arithmetic expression; None for any other text.

    Of an equation the right side counts. A unit, or other words, may follow.
    """
    if len(text) > _LONGEST:
        return None
    try:
        tokens = _tokens(_EQUALS.split(_spelt(text))[-1])
        value = _sum(tokens)
        return None if tokens or not math.isfinite(value) else value
    except (ValueError, IndexError, ArithmeticError):
        return None


def _spelt(text: str) -> str:
    text = rewrite(text, _SPELLINGS)
    text = _THOUSANDS.sub(lambda number: number.group().replace(",", ""), text)
    return text.strip().rstrip(".")


def _tokens(text: str) -> list[str]:
    """Return the tokens before a unit, the next one last; words that we do not know are refused."""
    tokens: list[str] = []
    for token in _TOKEN.finditer(text):
        if token["word"] and token["word"] not in _KNOWN:
            rest = text[token.start() :]
            if not _UNIT.match(text, token.start()) or re.search(r"\d", _POWER.sub("", rest)):
                raise ValueError("a word that is no unit")
            break
        tokens.append(token["word"] or token.group())
    if sum(token in _CLOSES for token in tokens) > _DEEPEST:
        raise ValueError("nested too deep")
    return tokens[::-1]


def _sum(tokens: list[str]) -> Number:
    """Take a sum from the end of the tokens, and return its value; so do those below."""
    total = _product(tokens)
    while tokens and tokens[-1] in {"+", "-"}:
        sign, term = tokens.pop(), _product(tokens)
        total = total + term if sign == "+" else total - term
    return total


def _product(tokens: list[str]) -> Number:
    total = _signed(tokens)
    while tokens and (tokens[-1] in {"*", "/"} or tokens[-1] in _OPENS):
        sign = tokens.pop() if tokens[-1] in {"*", "/"} else ""
        factor = _signed(tokens) if sign else _power(tokens)
        total = total / factor if sign == "/" else total * factor
    return total


def _signed(tokens: list[str]) -> Number:
    if tokens[-1] in {"-", "+"}:
        sign, value = tokens.pop(), _signed(tokens)
        return -value if sign == "-" else value
    return _power(tokens)


def _power(tokens: list[str]) -> Number:
    base = _atom(tokens)
    while tokens[-1:] == ["!"]:
        tokens.pop()
        if base != int(base) or not 0 <= base <= _LARGEST_FACTORIAL:
            raise ValueError("no factorial of this")
        base = Fraction(math.factorial(int(base)))
    if tokens[-1:] == ["^"]:
        tokens.pop()
        base = _raised(base, _signed(tokens))
    return base


def _atom(tokens: list[str]) -> Number:
    first = tokens.pop()
    if first in _CLOSES:
        value = _sum(tokens)
        if tokens.pop() != _CLOSES[first]:
            raise ValueError("a bracket stays open")
        return value
    if first == "frac":
        return _atom(tokens) / _atom(tokens)
    if first == "sqrt" and tokens[-1] == "[":
        degree = _atom(tokens)
        return math.pow(_atom(tokens), 1 / degree)
    if first in _FUNCTIONS:
        return _FUNCTIONS[first](float(_atom(tokens)))
    return _CONSTANTS[first] if first in _CONSTANTS else Fraction(first)


def _raised(base: Number, exponent: Number) -> Number:
    if isinstance(base, Fraction) and isinstance(exponent, Fraction) and exponent.denominator == 1:
        power = int(exponent)
        size = max(base.numerator.bit_length(), base.denominator.bit_length())
        if size * abs(power) <= _LARGEST_BITS:
            return base**power
    return math.pow(base, exponent)

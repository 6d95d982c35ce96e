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

Number = Fraction | float
_Read = tuple[Number, tuple[str, ...]]

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
_SPELLINGS: tuple[tuple[str, str], ...] = (
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
        value, rest = _sum(_tokens(_EQUALS.split(_spelt(text))[-1]))
        return None if rest or not math.isfinite(value) else value
    except (ValueError, IndexError, ArithmeticError):
        return None


def _spelt(text: str) -> str:
    for pattern, replacement in _SPELLINGS:
        text = re.sub(pattern, replacement, text)
    text = _THOUSANDS.sub(lambda number: number.group().replace(",", ""), text)
    return text.strip().rstrip(".")


def _tokens(text: str) -> tuple[str, ...]:
    """Return the tokens before a unit; any other word than those we know is refused."""
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
    return tuple(tokens)


def _sum(tokens: tuple[str, ...]) -> _Read:
    total, rest = _product(tokens)
    while rest and rest[0] in {"+", "-"}:
        term, after = _product(rest[1:])
        total, rest = (total + term if rest[0] == "+" else total - term), after
    return total, rest


def _product(tokens: tuple[str, ...]) -> _Read:
    total, rest = _signed(tokens)
    while rest and (rest[0] in {"*", "/"} or rest[0] in _OPENS):
        sign = rest[0]
        factor, rest = _signed(rest[1:]) if sign in {"*", "/"} else _power(rest)
        total = total / factor if sign == "/" else total * factor
    return total, rest


def _signed(tokens: tuple[str, ...]) -> _Read:
    if tokens[0] in {"-", "+"}:
        value, rest = _signed(tokens[1:])
        return (-value if tokens[0] == "-" else value), rest
    return _power(tokens)


def _power(tokens: tuple[str, ...]) -> _Read:
    base, rest = _atom(tokens)
    while rest[:1] == ("!",):
        base, rest = _factorial(base), rest[1:]
    if rest[:1] == ("^",):
        exponent, rest = _signed(rest[1:])
        base = _raised(base, exponent)
    return base, rest


def _atom(tokens: tuple[str, ...]) -> _Read:
    first, rest = tokens[0], tokens[1:]
    if first in _CLOSES:
        return _bracket(tokens)
    if first == "frac":
        top, rest = _atom(rest)
        bottom, rest = _atom(rest)
        return top / bottom, rest
    if first in _FUNCTIONS:
        return _function(first, rest)
    return (_CONSTANTS[first] if first in _CONSTANTS else Fraction(first)), rest


def _bracket(tokens: tuple[str, ...]) -> _Read:
    value, rest = _sum(tokens[1:])
    if rest[0] != _CLOSES[tokens[0]]:
        raise ValueError("a bracket stays open")
    return value, rest[1:]


def _function(name: str, tokens: tuple[str, ...]) -> _Read:
    if name == "sqrt" and tokens[0] == "[":
        degree, tokens = _bracket(tokens)
        value, rest = _atom(tokens)
        return math.pow(value, 1 / degree), rest
    value, rest = _atom(tokens)
    return _FUNCTIONS[name](float(value)), rest


def _raised(base: Number, exponent: Number) -> Number:
    if isinstance(base, Fraction) and isinstance(exponent, Fraction) and exponent.denominator == 1:
        power = int(exponent)
        size = max(base.numerator.bit_length(), base.denominator.bit_length())
        if size * abs(power) <= _LARGEST_BITS:
            return base**power
    return math.pow(base, exponent)


def _factorial(value: Number) -> Fraction:
    if value != int(value) or not 0 <= value <= _LARGEST_FACTORIAL:
        raise ValueError("no factorial of this")
    return Fraction(math.factorial(int(value)))

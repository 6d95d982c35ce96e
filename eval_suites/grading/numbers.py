"""Numbers as text: the digits of a text, one normal form, and exact comparison.

No factor of 100 is forgiven, and nothing is rounded. What a response declares, whole, is read by
`quantities`.
"""

import re
from fractions import Fraction

_DIGITS = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)"
_UNSIGNED = rf"(?:{_DIGITS}(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{{1,3}}(?![0-9A-Za-z]))?|\.[0-9]+)"
# A minus after a digit, a letter or a bracket subtracts; elsewhere it is a sign.
_NUMBER = re.compile(rf"(?:(?<![\w)\]}}])-)?\$?{_UNSIGNED}(?:\s?/\s?{_UNSIGNED})?")
_FRACTION = re.compile(r"(?:(-)\s?)?\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_SPACED_THOUSANDS = re.compile("(?<=[0-9])[\u00a0\u2009\u202f](?=[0-9]{3}(?![0-9]))")
_LATEX = (("{,}", ","), ("\\,", ""), ("\\!", ""), ("\\$", "$"), ("\\%", "%"))
#: Unicode minus signs and the fraction slash to their plain forms.
SIGNS = str.maketrans({"\u2212": "-", "\u2013": "-", "\ufe63": "-", "\uff0d": "-", "\u2044": "/"})
#: Beyond this many characters a number is only compared as text: exact arithmetic takes seconds.
_LONGEST_EXACT = 1000


def numbers(text: str) -> tuple[str, ...]:
    """Return every number of a text in its order, normalised."""
    text = text.translate(SIGNS)
    for latex, plain in _LATEX:
        text = text.replace(latex, plain)
    text = _FRACTION.sub(r" \1\2/\3", _SPACED_THOUSANDS.sub("", text))
    return tuple(map(normalise, _NUMBER.findall(text)))


def normalise(number: str) -> str:
    """Return a number as text without ornament: `$1,234.` as `1234`, `−3` as `-3`."""
    bare = re.sub(r"[\s,$%]", "", number.translate(SIGNS))
    return bare.rstrip(".") if "." in bare else bare


def same_number(number: str | None, gold: str | None) -> bool:
    """Return True where two normalised numbers are equal in value: 18 is 18.0, and 1/2 is 0.5."""
    if number is None or gold is None:
        return False
    if number == gold:
        return True
    value = exact_value(number)
    return value is not None and value == exact_value(gold)


def exact_value(number: str) -> Fraction | None:
    """Return the value of a normalised number or fraction `a/b`; None where it is too long."""
    if len(number) > _LONGEST_EXACT:
        return None
    top, _, bottom = number.partition("/")
    try:
        return Fraction(top) / Fraction(bottom or "1")
    except (ValueError, ZeroDivisionError):
        return None

r"""Quantities: the whole number that a text states, or none.

A quantity is a number with everything that belongs to it: sign, currency, thousands, a fraction
behind a whole number, a power of ten, a word such as million, a percent sign, a unit (dozen is
one, for problems ask for dozens). It is read whole or refused: `4 1/2` is not 4, `12 million` is
not 12, and `12-13`, `12!`, `12x`, `12:30`, `12 + 3` and `5 feet 6 inches` are no single number. Of
an equation the right side of the last equals sign counts (`9 * 2 = $18` states 18). Words may
stand around a quantity (`about 18 eggs`); a reason or a remark in brackets behind it is not read.
LaTeX and Markdown that only set the type change nothing. Limits: English words; numbers in words
below 100, where nothing but a noun stands beside them; a comma never marks decimals.
"""

import re
import unicodedata
from fractions import Fraction

from eval_suites.grading.declarations import declared, parts, sentences, without_thoughts
from eval_suites.grading.numbers import SIGNS, normalise
from eval_suites.grading.typesetting import rewrite, rules

_VULGAR = {
    ord(sign): " " + unicodedata.normalize("NFKC", sign).replace("\u2044", "/")
    for sign in "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒"
}
_CHARACTERS = {**SIGNS, **_VULGAR, ord("²"): "^2", ord("³"): "^3", ord("’"): "'"}
_WRAPPED = re.compile(
    r"\\(?:text(?:bf|it|rm|sf|normal|color\s*\{\w*\})?|math(?:rm|bf|it|sf)|boldsymbol|bm|[mh]box"
    r"|f?boxed|fbox|underline|emph|operatorname\*?)\s*\{([^{}]*)\}"
)
_ARGUMENT = r"\s*(?:\{\s*([^{}]*?)\s*\}|(\d))"
_FRACTION = re.compile(rf"((?<![\w)}}\]])-\s*)?\\[dtc]?frac{_ARGUMENT}{_ARGUMENT}")
_THOUSANDS = re.compile(r"\\text\s*\{,\}|\{,\}")
_RULES = rules(
    (r"\\!|\\(?:left|right|displaystyle|textstyle|bf|rm|it|large|Large|huge)(?![A-Za-z])", ""),
    (r"\\color\s*\{\w*\}", ""),
    (r"[\u00a0\u2009\u202f~]|\\[,;: ()\[\]]|\\q?quad(?![A-Za-z])", " "),
    (r"\^\s*\{?\s*\\circ\s*\}?|\\degree(?![A-Za-z])|°", " degrees"),
    (r"\\(?:times|cdot|ast)(?![A-Za-z])|[×·⋅]", "*"),
    (r"\\div(?![A-Za-z])|÷", "/"),
    (r"\\(?:approx|simeq|sim)(?![A-Za-z])|[≈≃]", "="),
    (r"\\?[$£€¥]", ""),
    (r"\\?%|\\percent(?![A-Za-z])", "%"),
    # Marks of emphasis; between two digits they are a power.
    (r"(?<=\d)\*\*(?=\d)", "^"),
    (r"\*\*|__|`", ""),
    (r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])", r"\1"),
    (r"[{}]|\\f?boxed|\\fbox", " "),
)
_WORD_RULES = rules(
    (r"(?<=\d)\s*percent\b", "%"),
    (r"\b(?:minus|negative)\s+(?=[\d.])", "-"),
    (r"\band\s+(?:a|one)[\s-](half|quarter|third)\b", lambda part: f"1/{_PARTS[part[1]]}"),
)
#: Text without any mark of typesetting: most of a response, which is read faster.
_ORDINARY = re.compile(r"[A-Za-z0-9 \t\n.,:;?!'\"()=+/-]*")

_WHOLE = r"(?:\d{1,3}(?:(?:,\s?|\s|')\d{3})+(?![\d,])|\d+)"
_NUMBER = rf"(?:{_WHOLE}(?:\.\d+)?(?:[eE][+-]?\d{{1,3}}(?!\w))?|\.\d+)"
_QUANTITY = re.compile(
    rf"(?:(?<![\w)\]])([-+])\s*)?(?<![\w.])({_NUMBER})"
    rf"(?:\s+(?:and\s+)?(\d+)\s?/\s?(\d+)|\s?/\s?({_NUMBER}))?"
    r"(?:\s*(?:\*|[xX])\s*10\s*\^\s*\{?\s*([-+]?\d{1,3})\}?)?"
    r"(?:\s*-?(hundred|thousand|million|billion|trillion)\b|\s?(k|K|M|mn|bn)(?![A-Za-z]))?"
)
_MULTIPLIERS = {
    "hundred": 2, "thousand": 3, "k": 3, "K": 3, "million": 6, "M": 6, "mn": 6,
    "billion": 9, "bn": 9, "trillion": 12,
}  # fmt: skip
#: A reason, or a remark in brackets, behind a quantity.
_REMARK = re.compile(
    r"(?<=[\w%.)])(?:\s+\((?=[^()]*(?:\)|$))|[,;]?\s+(?:because|since|where|which|so\s+that)\b"
    r"|[,;]\s+(?!(?:and|or|to)\b)[A-Za-z]{2,}(?!\w*\s*=)|\s+--?\s+(?=[A-Za-z]{2,})).*",
    re.DOTALL,
)
#: What may not stand before a quantity: mathematics, comparisons, other quantities in words.
_NOT_BEFORE = re.compile(
    r"[\\^_+*/|<>≤≥√∈]|\b[A-Za-z]\s*-\s*$|[\w)]\($"
    r"|\b(?:not|n't|half|twice|double|triple|thirds?|quarters?|between|from|root|factorial)\b|n't\b"
)
_UNITS = (
    r"(?:[kcm]?m|[km]?g|lbs?|oz|ft|in|mi|yd|hrs?|mins?|secs?|mph|kmh|[kMG]B|m?[lL]|[ap]\.?m|th|st"
    r"|nd|rd|[shdtcWVAJNCF]|[A-Za-z]{3,})"
)
_SPACED_UNITS = r"(?:[mgshldtcLWVAJNCF]|a|an|[A-Za-z]{2,})"
_MATHEMATICS = r"(?:pi|mod|sqrt|sin|cos|tan|log|ln|exp|xy|factorial|squared|cubed)"
#: What must stand behind a quantity: its end, a sign, or a unit that is no variable.
_BEHIND = re.compile(
    rf"%?(?:(?!{_MATHEMATICS}\b){_UNITS}(?![A-Za-z])|\s+(?!{_MATHEMATICS}\b){_SPACED_UNITS}"
    rf"(?![A-Za-z])|\s*/\s*(?!{_MATHEMATICS}\b)[A-Za-z]{{2,}}|(?=\s*(?:[^\w\s]|$)))"
)
#: What continues a quantity: an operator, another number, a comparison, a ratio.
_CONTINUES = re.compile(
    r"\d|\s*(?:[!^_\\√<>≤≥±'(]|[-+*/:]\s*[-\d(\\.]|[-+*/]\s*[A-Za-z]\b|[xX]\s*\d"
    r"|(?:,|;|:|\bto\b|\bor(?:\s+also)?\b|\band(?:\s+also)?\b|\bthrough\b|\buntil\b|\b(?:out\s+)?of\b|-)\s*[-+]?\.?\d)"
)
_POWER = r"(?:\s*(?:\^\s*\{?\s*-?\d\s*\}?|\d(?![\d.])))?"
#: The power of a unit, and the unit that it is divided by.
_MORE_OF_UNIT = re.compile(rf"{_POWER}(?:\s*/\s*[A-Za-z]+\b{_POWER})?")
_WORD_AND_NUMBER = re.compile(
    r"\s+(?:hours?|hrs?|minutes?|mins?|feet|foot|ft|pounds?|lbs?|dollars?|years?|months?|weeks?"
    r"|days?|yards?|met(?:er|re)s?|m|kilomet(?:er|re)s?|km|kilograms?|kg|h|gallons?|degrees)"
    r"[\s,]+(?:and\s+)?\d+(?:\.\d+)?\s+(?:minutes?|mins?|seconds?|secs?|inch(?:es)?|in|ounces?|oz"
    r"|cents?|months?|weeks?|days?|hours?|centimet(?:er|re)s?|cm|grams?|g|s|met(?:er|re)s?|m"
    r"|quarts?|feet|foot|ft)\b"
)
_BOLD = re.compile(r"\*\*(.+?)\*\*")
_SEPARATORS = r"[,;&\n]|\band\b|\bor\b"
_WIDE_SEPARATORS = r"[;&\n]|,(?!\d{3}(?!\d))|\band\b|\bor\b"
_NAMED_UNIT = re.compile(r"\((?![-+\s\d.,/]*\))[^()]*\)")
_ASSIGNED = re.compile(r"[,;]\s*[A-Za-z]\w*\s*=")
_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WORDS = {
    **{word: number for number, word in enumerate(_ONES)},
    "a": 1,
    **{word: 10 * number for number, word in enumerate(_TENS, 2)},
}
_PARTS: dict[str, int] = {"half": 2, "halve": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5}
_IN_WORDS = re.compile(
    rf"\W*(a(?=\s+(?:half|third|quarter)\b)|{'|'.join((*_ONES, *_TENS))})"
    rf"(?:[\s-]({'|'.join(_ONES[1:10])}))?(?:\s+([A-Za-z]+))?\W*"
)
#: Longer texts state no single quantity.
_LONGEST = 1000


def declared_quantity(text: str) -> str | None:
    """Return the quantity that a response declares, in normal form; None without a single one."""
    return declared(text, states_number, quantity)


def closing_quantity(text: str) -> str | None:
    """Return the quantity in the last sentence of a response; None where that has several.

    Of a sentence with a bold number that alone counts, of an equation its right side.
    """
    for part in parts(text):
        *_, last = ("", *sentences(part))
        bold = [match[1] for match in _BOLD.finditer(last) if states_number(match[1])]
        stated = bold[-1] if bold else last.rpartition("=")[2]
        if len(_QUANTITY.findall(plain(stated))) == 1:
            return quantity(stated)
    return None


def last_quantity(text: str) -> str | None:
    """Return the last number of a response, whole, in normal form; None without one.

    A minus is its sign only where no space stands between them: `7 - 3` ends in 3.
    """
    *_, last = (None, *_QUANTITY.finditer(plain(without_thoughts(text))))
    value = last and _value(last)
    is_signed = last and last.group().startswith(f"-{last[2]}")
    return value if value is None or is_signed else value.removeprefix("-")


def quantities(text: str) -> tuple[tuple[str, ...], ...]:
    """Return the ways to read a text as a list of quantities: a comma may group thousands."""
    text = _NAMED_UNIT.sub(" ", plain(text[:_LONGEST])).strip(" ()[].")
    readings = (
        [quantity(part) for part in re.split(separator, text) if part.strip(" .")]
        for separator in (_SEPARATORS, _WIDE_SEPARATORS)
    )
    whole = (tuple(filter(None, reading)) for reading in readings if None not in reading)
    return tuple(dict.fromkeys(whole))


def quantity(text: str) -> str | None:
    """Return the one quantity that a text states, in normal form; None for none or several."""
    if len(text) > _LONGEST:
        return None
    text = plain(text)
    if _ASSIGNED.search(text):
        return None
    text = _REMARK.sub("", text)
    _, _, right = text.rpartition("=")
    match = _QUANTITY.search(right)
    if match is None:
        return _in_words(right)
    if _NOT_BEFORE.search(right[: match.start()]) or not _ends(right, match.end()):
        return None
    return _value(match)


def states_number(text: str) -> bool:
    """Return True where a text has a number in it, be it a single quantity or not."""
    text = plain(text[:_LONGEST])
    return bool(re.search(r"\d", text)) or _in_words(text) is not None


def plain(text: str) -> str:
    """Return a text without LaTeX, Markdown and currency signs around its numbers."""
    if _ORDINARY.fullmatch(text):
        return rewrite(text, _WORD_RULES).strip()
    text = _THOUSANDS.sub(",", text.translate(_CHARACTERS))
    text = _FRACTION.sub(_in_line, text)
    while (unwrapped := _WRAPPED.sub(r" \1 ", text)) != text:
        text = _FRACTION.sub(_in_line, unwrapped)
    return rewrite(text, _RULES + _WORD_RULES).strip()


def _in_line(fraction: re.Match[str]) -> str:
    top, bottom = (part for part in fraction.groups()[1:] if part is not None)
    written = f"{'-' * bool(fraction[1])}{top}/{bottom}"
    return f" {written} " if re.fullmatch(r"[-+]?[\d.,]+/[\d.,]+", written) else fraction.group()


def _ends(text: str, end: int) -> bool:
    """Return True where nothing behind a number belongs to it but a unit."""
    unit = _BEHIND.match(text, end)
    if unit is None or _CONTINUES.match(text, end) or _WORD_AND_NUMBER.match(text, end):
        return False
    more = _MORE_OF_UNIT.match(text, unit.end()) if unit.group().strip(" %") else None
    return not _CONTINUES.match(text, (more or unit).end())


def _value(match: re.Match[str]) -> str | None:
    sign, number, top, bottom, divisor, exponent, word, letter = match.groups()
    number = normalise(number.replace("'", ""))
    minus = "-" if sign == "-" else ""
    power = int(exponent or 0) + _MULTIPLIERS.get(word or letter or "", 0)
    if not (top or power):
        return minus + number + (f"/{normalise(divisor)}" if divisor else "")
    try:
        value = Fraction(number) / Fraction(normalise(divisor or "1"))
        value += Fraction(int(top), int(bottom)) if top else 0
    except (ValueError, ZeroDivisionError):
        return None
    return minus + str(value * Fraction(10) ** power)


def _in_words(text: str) -> str | None:
    """Return the value of a text that is a number below 100 in words, with a noun or without."""
    match = _IN_WORDS.fullmatch(text.lower())
    if match is None or (match[3] and re.fullmatch(_MATHEMATICS, match[3])):
        return None
    value = _WORDS[match[1]] + _WORDS.get(match[2] or "", 0)
    power = _MULTIPLIERS.get(match[3] or "", 0)
    return str(Fraction(value * 10**power, _PARTS.get((match[3] or "").removesuffix("s"), 1)))

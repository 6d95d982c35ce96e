r"""Units of measurement behind a number, for answers that state another one than the gold.

A unit that only one of two answers states is left out of account, as is a word that is no unit
here ("apples"). Where both state one, the two must be the same, their power included: 25 m is not
25 km. Nothing is converted.
"""

import re
from collections.abc import Mapping

_NAMES = (
    "mm millimeter millimetre", "cm centimeter centimetre", "m meter metre",
    "km kilometer kilometre", "in inch inches", "ft foot feet", "yd yard", "mi mile",
    "mg milligram", "g gram", "kg kilogram", "lb lbs pound", "oz ounce", "ton tonne",
    "ms millisecond", "s sec second", "min minute", "h hr hour", "day", "week", "month", "year",
    "ml mL milliliter millilitre", "l L liter litre", "gallon", "quart", "pint", "cup",
    "dollar", "cent penny pennies", "mph", "degree", "radian rad",
)  # fmt: skip
_CANONICAL: Mapping[str, str] = {
    spelling: names.split()[0]
    for names in _NAMES
    for name in names.split()
    for spelling in (name, f"{name}s")
}
_UNIT = re.compile(
    r"(?<=[\d)}.\s,\\])(?:\\[,;: ]|[~\s])*(?:\\(?:text|mathrm|mbox|textrm|rm)\s*\{[~\s]*)?"
    r"(?P<square>(?:square|sq\.?|cubic|cu\.?)\s+)?(?P<name>[A-Za-z]{1,12})\.?\s*\}?"
    r"(?:\s*\^\s*\{?(?P<power>\d)\}?)?[\s.$}]*$"
)

#: A unit stands at the end; of a long text only that is looked at.
_LONGEST = 200


def unit_of(latex: str) -> str | None:
    """Return the unit behind a number as `km` or `ft^2`; None for none, or a word that is none."""
    latex = latex[-_LONGEST:]
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

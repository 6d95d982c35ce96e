"""Minerva's comparison of answers: one normal form, then equal as text.

After Lewkowycz et al. 2022 (arXiv 2206.14858, appendix) and lm-eval's minerva_math, written anew;
for numbers that can be set beside others'. Lenient where they are (units are cut out of words,
`x = 5` is 5) and stricter where they are (0.5 is not 1/2). lm-eval asks sympy besides: there a
score may be higher by what only sympy finds equal.
"""

import re

from eval_suites.grading.mathematics import LONGEST
from eval_suites.grading.typesetting import rewrite, rules

_UNITS = (
    "square|ways|integers|dollars|mph|inches|ft|hours|km|units|points|feet|minutes|digits|cents"
    "|degrees|cm|gm|pounds|meters|meals|edges|students|multiples"
)
_FINAL = re.compile(r"final answer is(.*?)\. I hope it is correct", re.DOTALL)
_RULES = rules(
    (r"\ban? ", ""),
    (r"\\\$|\\ |\\;|\\!|[\"\s]", ""),
    (r"\\mbox", r"\\text"),
    (r",?\\text\{(?:and|or)\}", ","),
    (rf"{_UNITS}|\\l?dots", ""),
    (r"\\mathrm\{th\}|\^\{?\\circ\}?|\\text\{[.sm]?\}(?:\^[23])?|\{,\}", ""),
    (r"(?s)^.*?\$(.+?)\$.*$", r"\1"),
    (r"\\(?:text|textbf|overline|boxed)\{([^{}]*)\}", r"\1"),
    (r"\\[dt]frac", r"\\frac"),
    (r"\\frac([^{\\])([^{\\])", r"\\frac{\1}{\2}"),
    (r"\\frac([^{\\])(?=\{)", r"\\frac{\1}"),
    (r"\\sqrt([^{\[\\])", r"\\sqrt{\1}"),
    (r"\$|\.$", ""),
)
_DIGITS_AND_COMMAS = re.compile(r"[0-9][0-9,]*")


def final_answer(text: str) -> str | None:
    """Return the answer of the closing sentence that the four examples teach; None without it."""
    sentence = _FINAL.search(text)
    return sentence[1].strip() if sentence else None


def equal(gold: str, answer: str | None) -> bool:
    """Return True where two answers have the same normal form."""
    if answer is None or len(answer) > LONGEST:
        return False
    return normalise(gold) == normalise(answer)


def normalise(answer: str) -> str:
    """Return the text right of the last equals sign, without units and ornament."""
    text = rewrite(answer.rpartition("=")[2], _RULES)
    return text.replace(",", "") if _DIGITS_AND_COMMAS.fullmatch(text) else text

r"""The answer of a mathematical text, and one plain form of its LaTeX: text in and text out.

What a text declares is read by `declarations`; behind a phrase its formulas count. The plain form
keeps the mathematics and drops its setting: type, units behind a number, percent and dollar signs,
degrees (inside functions they become radians).
"""

import re
from collections.abc import Iterator

from eval_suites.grading.declarations import declared_text, sentence_behind
from eval_suites.grading.forms import intervals
from eval_suites.grading.numbers import SIGNS
from eval_suites.grading.quantities import last_quantity
from eval_suites.grading.real_sets import as_intervals
from eval_suites.grading.typesetting import rewrite, rules, unset

_FORMULA = re.compile(
    r"\$\$(.+?)\$\$|(?<!\\)\$([^$]+)(?<!\\)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL
)
_JOINT = re.compile(r"\s*(?:,\s*(?:and|or)?|and|or)\s*")
#: Of a text that declares nothing, only the end is looked at.
_TAIL = 4000


_LETTERS = r"(?![A-Za-z])"
_QUALIFIER = r"(?:exactly|only|exact|total|in total|altogether|as required|respectively)"
_SET = r"\\(?:text|mbox|textrm|textbf|textit|textnormal|mathrm|mathbf|mathit)\s*"
_TEXT = r"\\(?:text|mbox|textrm|textnormal)\s*"
_END = r"(?=\s*(?:[,;]|\.?\s*$))"
_NAMES = {"π": "pi", "∞": "infty", "≤": "le", "≥": "ge", "×": "cdot", "·": "cdot"}
_NAMES |= {"∪": "cup", "∈": "in", "±": "pm", "°": "degree", "≠": "ne"}
_SIGNS = SIGNS | {ord(sign): rf"\{name} " for sign, name in _NAMES.items()} | {0xA0: " "}
_BASES = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9}
_UNITS = r"(?:cm|mm|km|kg|ft|in|mi|lb|oz|mL|[A-Za-z]{3,})"
_SYMBOL = r"(?:[A-Za-z]{2,}|[mgshLN])(?:\s*/\s*[A-Za-z]+)?"
#: Words behind a number that are no unit.
_NO_UNIT = r"(?!\s*(?:pi|mod|dozen|hundred|thousand|million|billion|trillion)\b)"
#: Thousands that TeX sets so, before their spacing is gone.
_SET_THOUSANDS = re.compile(r"(?<=\d)(?:\{,\}|\\text\s*\{,\}|,\s*\\!)\s*(?=\d{3})")
_DEGREE = r"(?:\^\s*(?:\{\s*\\circ\s*\}|\\circ(?![A-Za-z]))|\\degree(?![A-Za-z])|°)\s*"
_RADIANS = r"\cdot\frac{\pi}{180}"
#: A trigonometric function with the argument that holds a degree sign.
_OF_DEGREES = re.compile(
    rf"(\\?(?:sin|cos|tan|cot|sec|csc)(?:\s*\^\s*(?:\{{[^{{}}]*\}}|\d))?)\s*"
    rf"(?:\(([^()]*?{_DEGREE}[^()]*)\)|\{{([^{{}}]*?{_DEGREE}[^{{}}]*)\}}"
    rf"|(\\frac\s*\{{[^{{}}]*{_DEGREE}\}}\s*\{{[^{{}}]*\}}|-?[\d.]+\s*{_DEGREE}))"
)
#: Spellings of one sign or command, before anything looks at the form of an answer.
_SPELLINGS = rules(
    (r"\\?\$|\\?%|(?<!\\)\\[()\[\]]|\*\*", ""),
    (rf"\\percent{_LETTERS}|{_DEGREE}", ""),
    (rf"\\[dtc]frac{_LETTERS}", r"\\frac"),
    (rf"\\(?:leqslant|leq|le){_LETTERS}|<=", r"\\le "),
    (rf"\\(?:geqslant|geq|ge){_LETTERS}|>=", r"\\ge "),
    (rf"\\lt{_LETTERS}", "<"),
    (rf"\\([ij])math{_LETTERS}", r"\1"),
    (rf"^\s*{_TEXT}\{{[^{{}}]*\b(?:is|are)\s*:?\s*\}}|^``|''$", ""),
    (rf"\}}\s*/\s*{_SET}\{{", "/"),
    (rf"\\gt{_LETTERS}", ">"),
    (rf"\\(?:cdot|times|ast){_LETTERS}|\*", r"\\cdot "),
    (r"\\[lr]angle", lambda match: "(" if match.group() == r"\langle" else ")"),
    (r"\\([lr])brace", lambda match: r"\{" if match[1] == "l" else r"\}"),
    # Times of day and ratios.
    (rf"(?<=\d)\s*{_TEXT}\{{\s*([apAP])\.?\s*[mM]\.?\s*\}}", r" \1m"),
    (rf"{_TEXT}\{{\s*(\d{{1,2}}:[0-5]\d[^{{}}]*)\}}", r"\1"),
    (r"(\d{1,2}:[0-5]\d)\s*([apAP])\.?\s?[mM]\b\.?", lambda t: f"{t[1]}{t[2].lower()}m"),
    (rf"(?<=\d)\s*(?:{_TEXT}\{{\s*to\s*\}}|\bto\b|\\colon{_LETTERS}|\s:\s|:)\s*(?=\d)", ":"),
    # Remarks that change no value.
    (rf"[,;]?\s*(?:{_TEXT}\{{\s*\(?{_QUALIFIER}\)?\s*\}}|\b{_QUALIFIER})\s*$", ""),
)
_ARRAY = r"\{(?:array|(?:small)?matrix)\}"
#: Matrices, however they are set; a determinant is none.
_MATRICES = rules(
    (r"\\\\\s*\[[^\[\]]*\]|\\cr(?![A-Za-z])", r"\\\\"),
    (r"\\hline(?![A-Za-z])", ""),
    (rf"\|\s*\\begin{_ARRAY}(?:\{{[lcr|\s]*\}})?", r"\\begin{vmatrix}"),
    (rf"\\end{_ARRAY}\s*\|", r"\\end{vmatrix}"),
    (rf"(?:\\\{{|[(\[])?\s*\\begin{_ARRAY}(?:\{{[lcr|\s]*\}})?", r"\\begin{pmatrix}"),
    (rf"\\end{_ARRAY}\s*(?:\\\}}|[)\]])?", r"\\end{pmatrix}"),
    (r"\{[bB]matrix\}", "{pmatrix}"),
    (r"(?:\\\\\s*)+(?=\\end)", ""),
)
#: Patterns with their replacements, in the order in which they are applied.
_RULES = rules(
    # The rules below look for spaces in several places: runs of them would take for ever.
    (r"\s+", " "),
    # Numbers in a base, however the base is named.
    (
        rf"_\s*\{{?\s*{_SET}\{{\s*(\w+)\s*\}}\s*\}}?",
        lambda base: f"_{_BASES.get(base[1].lower(), base[1])}",
    ),
    (rf"\s*_?\s*\{{?\s*(?:{_SET}\{{)?\s*\(?base[\s}}]*(\d+)[\s)}}]*$", r"_\1"),
    (r"_\s*\{\s*(\d+)\s*\}", r"_\1"),
    # Lists: "and", "or" are commas.
    (rf",?\s*{_SET}\{{\s*,?\s*(?:and|or)(?:\s+also)?\s*\}}", ","),
    (r",?(?<![A-Za-z\\])(?:and|or)(?:\s+also)?(?![A-Za-z])", ","),
    # Units behind a number, then words that are the answer.
    (rf"(?<=[\d)}}i])\s*{_TEXT}\{{{_NO_UNIT}[^{{}}]*\}}\s*(?:\^\s*\{{?\d\}}?)?{_END}", ""),
    (rf"(?<=[\d)}}])\s*\\mathrm\s*\{{\s*{_SYMBOL}\s*\}}\s*(?:\^\s*\{{?\d\}}?)?{_END}", ""),
    (rf"(?<=[\d}}])\s+{_NO_UNIT}{_UNITS}[A-Za-z ]*(?:\^\s*\{{?\d\}}?)?{_END}", ""),
    (rf"{_SET}\{{([^{{}}]*)\}}", r"\1"),
    # Arguments that TeX lets go without braces.
    (r"\\frac\s*(\\pi|\w)\s*(\\pi|\w)", r"\\frac{\1}{\2}"),
    (r"\\frac\s*(\\pi|\w)\s*(?=\{)", r"\\frac{\1}"),
    (r"(\\frac\s*\{[^{}]*\})\s*(\\pi|\w)", r"\1{\2}"),
    (r"\\sqrt\s*(\w)", r"\\sqrt{\1}"),
    (r"\^\s*\{\s*(\w)\s*\}", r"^\1"),
    # Constants that are written as words; a plus sign before infinity.
    (rf"(?<![A-Za-z\\])pi{_LETTERS}", r"\\pi "),
    (r"(?<![A-Za-z\\])sqrt\s*\(([^()]*)\)", r"\\sqrt{\1}"),
    (rf"\\varnothing{_LETTERS}", r"\\emptyset "),
    (rf"(?<![A-Za-z\\])(?:infinity|inf|oo){_LETTERS}", r"\\infty "),
    (r"(?<![^\s(\[,])\+\s*(?=\\infty)", ""),
    (r"^\s*[A-Za-z]\s*\\in(?![A-Za-z])\s*", ""),
    # Spaces count only where two words would run together.
    (r"\s+", " "),
    (r"(?<![A-Za-z]) | (?![A-Za-z])", ""),
    (r"^[,;:]+|(?<!\\)[.,;:]+$", ""),
    (r"^\(([A-Z])\)$", r"\1"),
    (r"^\{([^{}]*)\}$", r"\1"),
)
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])")


def declared(text: str) -> str | None:
    """Return the answer that a text declares, as it is written; None where it declares none."""
    return declared_text(text, _behind)


def last_resort(text: str) -> str | None:
    """Return the last formula or number of a text, whichever ends later; None without one.

    math-verify looks there, too. Its own search is not used: it takes seconds on long texts, and
    hands text outside formulas to Python's `eval`.
    """
    text = text[-_TAIL:]
    formulas = [formula for formula in _FORMULA.finditer(text) if _content(formula)]
    if not formulas:
        return last_quantity(text)
    return last_quantity(text[formulas[-1].end() :]) or _content(formulas[-1])


def normalise(latex: str) -> str:
    """Return the plain form of an answer, in which equal answers mostly are equal texts."""
    text = unset(_SET_THOUSANDS.sub("", latex)).translate(_SIGNS)
    text = _OF_DEGREES.sub(_in_radians, rewrite(text, _MATRICES))
    text = rewrite(as_intervals(rewrite(text, _SPELLINGS).strip()), _RULES)
    return intervals(_without_thousands(text))


def _in_radians(function: re.Match[str]) -> str:
    argument = next(group for group in function.groups()[1:] if group is not None)
    return f"{function[1]}({re.sub(_DEGREE, lambda _: _RADIANS, argument)})"


def _behind(text: str, phrase: re.Match[str]) -> str | None:
    """Return the formula right behind a phrase, with those joined to it, else the sentence."""
    sentence = sentence_behind(text, phrase)
    return sentence and (", ".join(_formulas(text, phrase.end())) or sentence)


def _formulas(text: str, start: int) -> Iterator[str]:
    """Yield the formula that starts there, and those that commas or an "and" join to it."""
    while formula := _FORMULA.match(text, start):
        if content := _content(formula):
            yield content
        if not (joint := _JOINT.match(text, formula.end())):
            return
        start = joint.end()


def _content(formula: re.Match[str]) -> str:
    return next((group for group in formula.groups() if group), "").strip()


def _without_thousands(text: str) -> str:
    """Return the text without commas in numbers, but not inside brackets: `(1,234)` is a pair."""
    depth, pieces = 0, re.split(r"(?<=[(\[{])|(?=[)\]}])", text)
    for place, piece in enumerate(pieces):
        depth -= piece[:1] in {")", "]", "}"}
        if depth == 0:
            pieces[place] = _THOUSANDS.sub(lambda number: number.group().replace(",", ""), piece)
        depth += piece[-1:] in {"(", "[", "{"}
    return "".join(pieces)

r"""The answer of a mathematical text, and one plain form of its LaTeX: text in and text out.

A text declares its last box (adjacent boxes are one answer), else the text behind the last `####`
that is no Markdown heading, else the text behind the last "answer is". The plain form keeps the
mathematics and drops its setting: spacing, sizes, units behind a number, percent and dollar signs,
degrees.
"""

import re
from collections.abc import Callable, Iterator

from eval_suites.grading.answers import SIGNS, boxes, flexible_answer, hashed
from eval_suites.grading.forms import intervals

_ANSWER_IS = re.compile(r"answer\s+is\b[\s:*]*", re.IGNORECASE)
_FORMULA = re.compile(
    r"\$\$(.+?)\$\$|(?<!\\)\$([^$]+)(?<!\\)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL
)
_SENTENCE = re.compile(r".*?(?=\.(?:\s|$)|\n|$)")
#: The text between two boxes that are one answer.
_BETWEEN = re.compile(
    r"(?:[ \t\n$,;&]|\\[(),;!:\[\] ]|\\q?quad|\\(?:text|mbox)\s*\{\s*,?\s*(?:and|or)\s*\}|and|or)*"
)
_LONGEST_BETWEEN = 60
_JOINT = re.compile(r"\s*(?:,\s*(?:and|or)?|and|or)\s*")
#: Of a text that declares nothing, only the end is looked at.
_TAIL = 4000

_LETTERS = r"(?![A-Za-z])"
_SET = r"\\(?:text|mbox|textrm|textbf|textit|textnormal|mathrm|mathbf|mathit)\s*"
_TEXT = r"\\(?:text|mbox|textrm|textnormal)\s*"
_END = r"(?=\s*(?:[,;]|\.?\s*$))"
_SIGN_NAMES = {
    **SIGNS,
    ord("π"): r"\pi ",
    ord("∞"): r"\infty ",
    ord("≤"): r"\le ",
    ord("≥"): r"\ge ",
    ord("×"): r"\cdot ",
    ord("·"): r"\cdot ",
    ord("∪"): r"\cup ",
    ord("∈"): r"\in ",
    ord("±"): r"\pm ",
    ord("°"): " ",
    ord("\u00a0"): " ",
}
_BASES = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9}
_UNITS = r"(?:cm|mm|km|kg|ft|in|mi|lb|oz|mL|[A-Za-z]{3,})"
#: Words behind a number that are no unit.
_NO_UNIT = r"(?!\s*(?:pi|mod|dozen|hundred|thousand|million|billion|trillion)\b)"
#: Patterns with their replacements, in the order in which they are applied.
_RULES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # Thousands that TeX sets so, before their spacing is gone.
        (r"(?<=\d)(?:\{,\}|,\s*\\!)\s*(?=\d{3})", ""),
        (r"(?<!\\)\\!", ""),
        (r"\\(?:left|right)\s*\.", ""),
        (rf"\\(?:left|right|[bB]igg?[lr]?|displaystyle|textstyle|limits){_LETTERS}", ""),
        (rf"(?<!\\)\\[,;:> ]|\\q?quad{_LETTERS}|~|\\hspace\*?\{{[^{{}}]*\}}", " "),
        (r"\\?\$|\\?%|(?<!\\)\\[()\[\]]|\*\*", ""),
        (rf"\\percent{_LETTERS}|\^\s*\{{?\s*\\circ\s*\}}?|\\degree{_LETTERS}", ""),
        (rf"\\[dtc]frac{_LETTERS}", r"\\frac"),
        (rf"\\(?:leqslant|leq|le){_LETTERS}|<=", r"\\le "),
        (rf"\\(?:geqslant|geq|ge){_LETTERS}|>=", r"\\ge "),
        (rf"\\lt{_LETTERS}", "<"),
        (rf"\\gt{_LETTERS}", ">"),
        (rf"\\(?:cdot|times|ast){_LETTERS}|\*", r"\\cdot "),
        (r"\\[lr]angle", lambda match: "(" if match.group() == r"\langle" else ")"),
        (r"\\([lr])brace", lambda match: r"\{" if match[1] == "l" else r"\}"),
        (r"\{bmatrix\}", "{pmatrix}"),
        # The rules below look for spaces in several places: runs of them would take for ever.
        (r"\s+", " "),
        # Numbers in a base, however the base is named.
        (rf"_\s*\{{?\s*{_SET}\{{\s*(\w+)\s*\}}\s*\}}?", lambda match: f"_{_base(match[1])}"),
        (rf"\s*_?\s*\{{?\s*(?:{_SET}\{{)?\s*\(?base[\s}}]*(\d+)[\s)}}]*$", r"_\1"),
        (r"_\s*\{\s*(\d+)\s*\}", r"_\1"),
        # Lists: "and", "or" are commas.
        (rf",?\s*{_SET}\{{\s*,?\s*(?:and|or)(?:\s+also)?\s*\}}", ","),
        (r",?(?<![A-Za-z\\])(?:and|or)(?:\s+also)?(?![A-Za-z])", ","),
        # Units behind a number, then words that are the answer.
        (rf"(?<=[\d)}}i])\s*{_TEXT}\{{{_NO_UNIT}[^{{}}]*\}}\s*(?:\^\s*\{{?\d\}}?)?{_END}", ""),
        (rf"(?<=[\d)}}])\s*\\mathrm\s*\{{\s*[A-Za-z]{{2,}}\s*\}}\s*(?:\^\s*\{{?\d\}}?)?{_END}", ""),
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
    )
)
_WHOLE_GROUP = re.compile(r"\{([^{}]*)\}")
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])")


def declared(text: str) -> str | None:
    """Return the answer that a text declares, as it is written; None where it declares none."""
    content = boxed(text)
    if content is not None:
        return content
    start = next(hashed(text), None)
    if start is not None:
        return text[start:].partition("\n")[0].strip()
    for mark in reversed(list(_ANSWER_IS.finditer(text))):
        if answer := _behind(text, mark.end()):
            return answer
    return None


def boxed(text: str) -> str | None:
    """Return the content of the last box, with that of boxes side by side before it."""
    contents: list[str] = []
    start = 0
    for box in boxes(text):
        if contents and not _joined(text[box.end : start] if box.end <= start else None):
            break
        if box.content.strip() not in contents:
            contents.append(box.content.strip())
        start = box.start
    return ", ".join(reversed(contents)) or None


def last_resort(text: str) -> str | None:
    """Return the last formula or number of a text, whichever ends later; None without one.

    math-verify looks there, too. Its own search is not used: it takes seconds on long texts, and
    hands text outside formulas to Python's `eval`.
    """
    text = text[-_TAIL:]
    formulas = [formula for formula in _FORMULA.finditer(text) if _content(formula)]
    if not formulas:
        return flexible_answer(text)
    return flexible_answer(text[formulas[-1].end() :]) or _content(formulas[-1])


def normalise(latex: str) -> str:
    """Return the plain form of an answer, in which equal answers mostly are equal texts."""
    text = latex.translate(_SIGN_NAMES).strip()
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    if whole := _WHOLE_GROUP.fullmatch(text):
        text = whole[1]
    return intervals(_without_thousands(text))


def _behind(text: str, start: int) -> str | None:
    """Return the formula right behind a marker, else the sentence behind it."""
    if formulas := list(_formulas(text, start)):
        return ", ".join(formulas)
    sentence = _SENTENCE.match(text, start)
    return (sentence.group().strip(" *") if sentence else "") or None


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


def _joined(between: str | None) -> bool:
    """Return True where two boxes with this between them are one answer."""
    if between is None or len(between) > _LONGEST_BETWEEN or "\n\n" in between:
        return False
    return _BETWEEN.fullmatch(between) is not None


def _base(name: str) -> str:
    return str(_BASES.get(name.lower(), name))


def _without_thousands(text: str) -> str:
    """Return the text without commas in numbers, but not inside brackets: `(1,234)` is a pair."""
    return "".join(
        piece if depth else _THOUSANDS.sub(lambda number: number.group().replace(",", ""), piece)
        for depth, piece in _by_depth(text)
    )


def _by_depth(text: str) -> Iterator[tuple[int, str]]:
    """Yield the text in pieces, each with the number of brackets that are open in it."""
    depth = 0
    for piece in re.split(r"(?<=[(\[{])|(?=[)\]}])", text):
        depth -= piece[:1] in {")", "]", "}"}
        yield depth, piece
        depth += piece[-1:] in {"(", "[", "{"}

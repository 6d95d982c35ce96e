r"""LaTeX without what only sets its type: fonts, sizes, colours, boxes, spacing, tick marks.

`\textcolor{red}{\boldsymbol{42}}\checkmark` is `42`. `\text` and `\mathrm` stay, for they hold
words and units, and so does `\mathbb` around a letter, which names a set.
"""

import re
from collections.abc import Callable

Replacement = str | Callable[[re.Match[str]], str]
Rules = tuple[tuple[re.Pattern[str], Replacement], ...]

_LETTERS = r"(?![A-Za-z])"
#: An argument in braces, with braces in it two deep.
_ARGUMENT = r"\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}"
_COMMANDS = (
    r"boldsymbol|bm|pmb|mathbf|mathit|mathsf|mathtt|mathcal|mathnormal|textbf|textit|textsf|texttt"
    r"|underline|emph|f?boxed|fbox|operatorname\*?|mathop|mathord|phantom|ensuremath"
)
_WRAPPED = re.compile(
    rf"\\(?:(?:{_COMMANDS}){_LETTERS}|textcolor\s*(?:\[\w*\])?\{{[^{{}}]*\}})\s*{_ARGUMENT}"
)
_MATHBB = re.compile(r"\\mathbb\s*\{([^{}]*\d[^{}]*)\}")
_SIZES = (
    r"tiny|scriptsize|footnotesize|small|normalsize|large|Large|LARGE|huge|Huge|bf|it|rm|sf|tt"
    r"|bfseries|itshape|displaystyle|textstyle|scriptstyle|limits|nolimits|checkmark|Box|square"
    r"|blacksquare|qed|mathstrut|strut|hfill|noindent|boldmath"
)
_DROPPED = re.compile(
    rf"\\(?:{_SIZES}){_LETTERS}|\\color\s*(?:\[\w*\])?\{{[^{{}}]*\}}|\\label\{{[^{{}}]*\}}"
    rf"|\\(?:left|right)\s*\.|\\(?:left|right|middle|[bB]igg?[lrm]?){_LETTERS}|✓|✔|(?<!\\)\\!"
)
_SPACES = re.compile(
    rf"(?<!\\)\\(?:[,;:> ]|\s*$)|\\(?:q?quad|thinspace|enspace|space){_LETTERS}|~"
    r"|\\hspace\*?\{[^{}]*\}|[\u00a0\u2009\u202f]"
)


def rules(*pairs: tuple[str, Replacement]) -> Rules:
    """Return patterns with their replacements, in the order in which `rewrite` applies them."""
    return tuple((re.compile(pattern), replacement) for pattern, replacement in pairs)


def rewrite(text: str, by: Rules) -> str:
    """Return a text with every rule applied to all of it, one after the other."""
    for pattern, replacement in by:
        text = pattern.sub(replacement, text)
    return text


def unset(latex: str) -> str:
    """Return LaTeX without commands that change the type and not the mathematics."""
    text = _DROPPED.sub("", latex)
    while (unwrapped := _WRAPPED.sub(_inside, text)) != text:
        text = unwrapped
    return _SPACES.sub(" ", _MATHBB.sub(r"\1", text)).strip().strip('"')


def _inside(command: re.Match[str]) -> str:
    """Return the argument of a command, in braces where a power or an index holds on to it."""
    following = command.string[command.end() :].lstrip()[:1]
    inside = command[1].strip()
    holds = following in {"^", "_"} and len(inside) > 1 and not inside.isdigit()
    return f"{{{inside}}}" if holds else inside

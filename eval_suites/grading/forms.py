r"""The outer form of an answer: lists, brackets, matrices and inequalities, read as text.

Only what stands outside all brackets divides: `(1,2),(3,4)` is a list of two pairs.
"""

import re
from typing import NamedTuple

_TOKEN = re.compile(r"\\cup(?![A-Za-z]) ?|[,;()\[\]{}]")
_RELATION = re.compile(r"(<|>|\\le(?![A-Za-z]) ?|\\ge(?![A-Za-z]) ?)")
_VARIABLE = re.compile(
    r"[A-Za-z]|\\(?:alpha|beta|gamma|theta|lambda|mu|phi|omega)|[a-z]\([a-z]\)|\|[a-z]\|"
)
_MATRIX = re.compile(r"\\begin\{pmatrix\}((?:(?!\\begin).)*?)(?:\\\\)?\\end\{pmatrix\}")
_ASSIGNED = re.compile(r"([A-Za-z]|[A-Za-z]\([A-Za-z]\)|\\[a-z]+)=([^=]+)")
#: The relation between the sides in the other order.
_TURNED = {"<": ">", ">": "<", r"\le": r"\ge", r"\ge": r"\le"}
_OPENING, _CLOSING = "([{", ")]}"


class Group(NamedTuple):
    """The members between brackets; `kind` tells brackets, or a matrix's columns, apart."""

    kind: str
    members: tuple[str, ...]


def elements(text: str) -> tuple[str, ...]:
    r"""Return the elements of a list, a set or a union; `a \pm b` is two, another text is one."""
    if text.startswith(r"\{") and text.endswith(r"\}") and _closes_last(text[1:]):
        text = text[2:-2]
    return tuple(element for part in _parts(text) for element in _both_signs(part))


def group(text: str) -> Group | None:
    """Return an interval, a point or a matrix with its members; None for anything else."""
    if matrix := _MATRIX.fullmatch(text):
        rows = [row.split("&") for row in matrix[1].split(r"\\")]
        members = tuple(cell.strip() for row in rows for cell in row)
        return Group(f"matrix of {[len(row) for row in rows]}", members)
    if len(text) < 2 or text[0] not in "([" or text[-1] not in ")]" or not _closes_last(text):
        return None
    return Group(text[0] + text[-1], tuple(_parts(text[1:-1])))


def assigned(text: str) -> tuple[str, str]:
    """Return the left and the right side of `x = 5` or `f(x) = 2x`; "" on the left for others."""
    match = _ASSIGNED.fullmatch(text)
    return (match[1], match[2]) if match else ("", text)


def intervals(text: str) -> str:
    r"""Return the text with inequalities in one variable as intervals: `2 \le x < 5` is `[2,5)`."""
    if not _RELATION.search(text):
        return text
    return ",".join(_interval(part) for part in _parts(text))


def _interval(text: str) -> str:
    pieces = [piece.strip() for piece in _RELATION.split(text)]
    if len(pieces) == 3 and _VARIABLE.fullmatch(pieces[2]):
        pieces = [pieces[2], _TURNED[pieces[1]], pieces[0]]
    if len(pieces) == 5 and all("g" in sign or ">" in sign for sign in pieces[1::2]):
        pieces = [_TURNED[text] if place % 2 else text for place, text in enumerate(pieces)][::-1]
    match pieces:
        case [low, ("<" | r"\le") as left, name, ("<" | r"\le") as right, high] if low and high:
            ends = "(" if left == "<" else "[", low, high, ")" if right == "<" else "]"
        case [name, ("<" | r"\le") as relation, high] if high:
            ends = "(", r"-\infty", high, ")" if relation == "<" else "]"
        case [name, (">" | r"\ge") as relation, low] if low:
            ends = "(" if relation == ">" else "[", low, r"\infty", ")"
        case _:
            return text
    opening, low, high, closing = ends
    return f"{opening}{low},{high}{closing}" if _VARIABLE.fullmatch(name) else text


def _parts(text: str) -> list[str]:
    """Return the text between separators outside all brackets; whole where these do not fit."""
    depth, start, parts = 0, 0, []
    for token in _TOKEN.finditer(text):
        sign = token.group()
        depth += (sign in _OPENING) - (sign in _CLOSING)
        if depth < 0:
            return [text]
        if depth == 0 and sign not in _CLOSING:
            parts.append(text[start : token.start()])
            start = token.end()
    stripped = [part.strip() for part in (*parts, text[start:])]
    return [part for part in stripped if part] if depth == 0 else [text]


def _closes_last(text: str) -> bool:
    """Return True where the bracket that opens a text is closed by its last sign."""
    depth = 0
    for token in _TOKEN.finditer(text):
        depth += (token.group() in _OPENING) - (token.group() in _CLOSING)
        if depth == 0:
            return token.end() == len(text)
    return False


def _both_signs(part: str) -> tuple[str, ...]:
    r"""Return the two values of `1 \pm a`; a part without the sign, or with several, as it is."""
    if part.count(r"\pm") != 1:
        return (part,)
    before, after = (piece.strip() for piece in part.split(r"\pm"))
    return (f"{before}+{after}" if before else after, f"{before}-{after}")

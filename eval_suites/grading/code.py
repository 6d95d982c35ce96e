"""The program in a chat answer, without fences, prose and examples around it.

Text rules only. Model-written code is never parsed or run in the harness's own process.
"""

import re
import textwrap
from collections.abc import Sequence
from typing import NamedTuple

from eval_suites.grading.declarations import without_thoughts

_FENCE = re.compile(r"[ \t]*```([^\n`]*)")
_TRIPLE = re.compile(r"\"\"\"|\'\'\'")
_CALL = re.compile(r"([A-Za-z_]\w*)(?:\.\w+)*\(")
_FUTURE = re.compile(r"^from\s+__future__\s+import\s.*$", re.MULTILINE)
_TARGET = r"[A-Za-z_][\w.]*(?:\[[^\]\n]*\])*"
# The start of a line at the left edge that belongs to a program: definitions, assignments and the
# blocks that build a table; not calls, asserts and the main guard, which are examples of use.
_DEFINITION = re.compile(
    r"(?:async\s+def|def|class)\s+\w|import\s+\w|from\s+[\w.]+\s+import\b|@\w"
    rf"|{_TARGET}(?:\s*,\s*{_TARGET})*\s*(?::[^=\n]+)?(?:[-+*/%|&^]|//|\*\*|<<|>>)?=(?!=)"
    r"|for\s+[\w, ()]+\s+in\s.+:\s*(?:#.*)?$|(?:try|else|finally)\s*:"
    r"|(?:if\s+(?!__name__)|while|elif|except|with)\b.*:\s*(?:#.*)?$|sys\.setrecursionlimit\("
)
# An assignment, an import or a nested `def` of a name.
_BOUND = (
    r"^NAME\s*(?::[^=\n]+)?=(?!=)|^(?:from\s+[\w.]+\s+)?import\s.*\bNAME\s*(?:[,)#]|$)"
    r"|^\s+(?:async\s+)?def\s+NAME\s*\("
)
# The start of a line at the left edge that continues the block above it.
_CONTINUATION = re.compile(r"[)\]}]|#|$")


class Block(NamedTuple):
    """The text of a fenced block; one without a closing fence is not complete."""

    text: str
    complete: bool


def header(prompt: str, entry_point: str) -> str:
    """Return the imports and helpers of a prompt: all text before the entry point's `def`."""
    starts = [match.start() for match in _is_defined(entry_point).finditer(prompt)]
    return prompt[: starts[-1]] if starts else prompt


def program(prompt: str, entry_point: str, answer: str) -> str:
    """Return a whole program from a prompt that opens a function and a chat model's answer.

    Of the fenced blocks that define the entry point the last complete one counts, else the whole
    answer where that defines it; the prompt's imports and helpers go in front. Where nothing
    defines it, the first block, else the answer, is taken for the function's body and put behind
    the prompt. Reasoning in `<think>` is not read.
    """
    answer = without_thoughts(answer)
    blocks = fenced(answer)
    if source := _defining([*blocks, Block(textwrap.dedent(answer), complete=False)], entry_point):
        return _joined(header(prompt, entry_point), definitions(source, entry_point))
    body = blocks[0].text if blocks else answer
    return f"{prompt.rstrip()}\n{_indented(body)}\n"


def class_program(preamble: str, name: str, answer: str) -> str:
    """Return a whole program from imports and a chat model's answer that defines a class.

    Of the fenced blocks that define the class the last complete one counts, else the whole answer
    where that does, else the first block.
    """
    answer = without_thoughts(answer)
    blocks = [*fenced(answer), Block(answer, complete=False)]
    return _joined(preamble, definitions(_defining(blocks, name) or blocks[0].text, name))


def fenced(answer: str) -> list[Block]:
    """Return the fenced blocks in order; a block that was cut reaches to the end.

    A fence that names a language opens a block even where one is open. One inside a string of
    several lines is a part of the string, unless the string never ends.
    """
    blocks, unended = _blocks(answer, strings=True)
    return _blocks(answer, strings=False)[0] if unended else blocks


def definitions(text: str, name: str = "") -> str:
    """Return the imports, functions, classes and assignments of a text, without prose around them.

    Prose, calls and asserts at the left edge are dropped: examples of use are no part of the
    program, and may read input or fail. A call of something in the program stays where it stands
    above the definition of `name`, for it may fill a table.
    """
    lines: list[str] = []
    in_program, quote = False, ""
    defined = _is_defined(name)
    for line in textwrap.dedent(text).splitlines():
        at_edge = bool(line) and not line[0].isspace() and not quote
        if at_edge and not _CONTINUATION.match(line):
            in_program = bool(_DEFINITION.match(line)) or (
                _calls_own(line, lines) and not any(map(defined.match, lines))
            )
        if in_program:
            lines.append(line)
            quote = _quote_behind(line, quote)
    return "\n".join(lines)


def _blocks(answer: str, *, strings: bool) -> tuple[list[Block], bool]:
    """Return the fenced blocks, and True where a string is still open at the end."""
    blocks: list[Block] = []
    lines: list[str] | None = None
    quote = ""
    for line in answer.split("\n"):
        fence = _FENCE.fullmatch(line) if not quote else None
        if fence:
            opens = bool(fence[1].strip())
            if lines is not None:
                blocks.append(_block(lines, complete=not opens))
            lines = [] if lines is None or opens else None
        elif lines is not None:
            lines.append(line)
            quote = _quote_behind(line, quote) if strings else ""
    if lines is not None:
        blocks.append(_block(lines, complete=False))
    return blocks, bool(quote)


def _block(lines: list[str], *, complete: bool) -> Block:
    return Block(textwrap.dedent("\n".join(lines)).strip("\n"), complete)


def _quote_behind(line: str, quote: str) -> str:
    """Return the triple quote that is open behind a line; "" where none is."""
    for mark in _TRIPLE.findall(line):
        quote = mark if not quote else "" if mark == quote else quote
    return quote


def _defining(blocks: Sequence[Block], name: str) -> str | None:
    """Return the last complete block that defines a name, else the last; a `def` goes first."""
    bound = re.compile(_BOUND.replace("NAME", re.escape(name)), re.MULTILINE)
    for pattern in (_is_defined(name), bound):
        defining = [block for block in blocks if pattern.search(block.text)]
        complete = [block for block in defining if block.complete]
        if defining:
            return (complete or defining[:1])[-1].text
    return None


def _is_defined(name: str) -> re.Pattern[str]:
    """Return the pattern of a `def` or `class` of a name at the left edge."""
    return re.compile(rf"^(?:(?:async\s+)?def|class)\s+{re.escape(name)}\b", re.MULTILINE)


def _calls_own(line: str, program_lines: Sequence[str]) -> bool:
    """Return True where a line calls something that the program binds above it."""
    if not (call := _CALL.match(line)):
        return False
    bound = re.compile(rf"(?:def\s+|class\s+|import\s.*)?{re.escape(call[1])}\b")
    return any(map(bound.match, program_lines))


def _joined(preamble: str, source: str) -> str:
    """Return imports and a program behind them; what must come first in a file does."""
    future = "".join(f"{line}\n" for line in _FUTURE.findall(source))
    return f"{future}{preamble}\n{_FUTURE.sub('', source)}\n"


def _indented(body: str) -> str:
    """Return a body under a `def`: indented as one piece unless it is indented already.

    Where a first line at the left edge went on where the prompt ended, it alone lacks its
    indentation: then all lines below are indented, too deep for the block that it may open.
    """
    body = body.strip("\n").rstrip()
    first, _, rest = body.partition("\n")
    if first[:1].isspace():
        return body
    depths = [len(line) - len(line.lstrip()) for line in rest.splitlines() if line.strip()]
    opened = 4 if first.rstrip().endswith(":") else 0
    if depths and min(depths) > 0 and depths[0] > opened:
        return f"    {first}\n{rest}"
    return textwrap.indent(body, "    ")

"""The program in a chat answer, without fences, prose and examples around it.

Text rules only. Model-written code is never parsed or run in the harness's own process.
"""

import re
import textwrap

_FENCE = re.compile(r"^[ \t]*```([^\n`]*)$", re.MULTILINE)
_TARGET = r"[A-Za-z_][\w.]*(?:\[[^\]\n]*\])*"
# The start of a line at the left edge that belongs to a program: definitions, assignments and the
# blocks that build a table; not calls, asserts and the main guard, which are examples of use.
_DEFINITION = re.compile(
    r"(?:async\s+def|def|class)\s+\w|import\s+\w|from\s+[\w.]+\s+import\b|@\w"
    rf"|{_TARGET}(?:\s*,\s*{_TARGET})*\s*(?::[^=\n]+)?(?:[-+*/%|&^]|//|\*\*|<<|>>)?=(?!=)"
    r"|for\s+[\w, ()]+\s+in\s.+:\s*(?:#.*)?$|(?:try|else|finally)\s*:"
    r"|(?:if\s+(?!__name__)|while|elif|except|with)\b.*:\s*(?:#.*)?$|sys\.setrecursionlimit\("
)
# The start of a line at the left edge that continues the block above it.
_CONTINUATION = re.compile(r"[)\]}]|#|$")


def header(prompt: str, entry_point: str) -> str:
    """Return the imports and helpers of a prompt: all text before the entry point's `def`."""
    starts = [match.start() for match in _definition(entry_point).finditer(prompt)]
    return prompt[: starts[-1]] if starts else prompt


def program(prompt: str, entry_point: str, answer: str) -> str:
    """Return a whole program from a prompt that opens a function and a chat model's answer.

    The first fenced block that defines the entry point counts, else the whole answer where that
    defines it; the prompt's imports and helpers go in front. Where nothing defines it, the first
    block, else the answer, is taken for the function's body and put behind the prompt.
    """
    blocks = fenced(answer)
    for text in (*blocks, textwrap.dedent(answer)):
        if _definition(entry_point).search(text):
            return f"{header(prompt, entry_point)}\n{definitions(text)}\n"
    body = (blocks or [answer])[0]
    return f"{prompt.rstrip()}\n{_indented(body)}\n"


def class_program(preamble: str, name: str, answer: str) -> str:
    """Return a whole program from imports and a chat model's answer that defines a class.

    The first fenced block that defines the class counts, else the whole answer where that does,
    else the first block.
    """
    blocks = fenced(answer)
    pattern = re.compile(rf"^class\s+{re.escape(name)}\b", re.MULTILINE)
    whole = next((text for text in (*blocks, answer) if pattern.search(text)), None)
    return f"{preamble}\n{definitions(whole or (blocks or [answer])[0])}\n"


def fenced(answer: str) -> list[str]:
    """Return the fenced blocks in order; a block that was cut reaches to the end.

    A fence that names a language opens a block even where one is open.
    """
    blocks: list[str] = []
    start: int | None = None
    for fence in [*_FENCE.finditer(answer), None]:
        if start is not None:
            end = fence.start() if fence else len(answer)
            blocks.append(textwrap.dedent(answer[start:end]).strip("\n"))
        opens = fence is not None and (start is None or fence[1].strip())
        start = fence.end() if fence and opens else None
    return blocks


def definitions(text: str) -> str:
    """Return the imports, functions, classes and assignments of a text, without prose around them.

    Prose, calls and asserts at the left edge are dropped: examples of use are no part of the
    program, and may read input or fail.
    """
    lines, in_program, in_string = [], False, False
    for line in textwrap.dedent(text).splitlines():
        at_edge = bool(line) and not line[0].isspace() and not in_string
        if at_edge and not _CONTINUATION.match(line):
            in_program = bool(_DEFINITION.match(line))
        if in_program:
            lines.append(line)
            in_string ^= bool((line.count('"""') + line.count("'''")) % 2)
    return "\n".join(lines)


def _definition(entry_point: str) -> re.Pattern[str]:
    """Return the pattern of the entry point's `def` at the left edge."""
    return re.compile(rf"^(?:async\s+)?def\s+{re.escape(entry_point)}\s*\(", re.MULTILINE)


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

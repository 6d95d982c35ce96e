"""A table as LaTeX: booktabs rules, the best of a column in bold, the second underlined."""

import re
from collections.abc import Iterator

from harness.report.tables.table import Heading, Table

_MARKS = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    "–": "--", "−": "$-$", "±": r"$\pm$", "×": r"$\times$",
}  # fmt: skip
_MARK = re.compile("|".join(map(re.escape, _MARKS)))
#: A hyphen that is a sign.
_MINUS = re.compile(r"(?<![\w-])-(?=\d)")
_LOOKS = {1: r"\textbf", 2: r"\underline"}


def latex(table: Table) -> str:
    """Return a `tabular` with its title and notes around it; it needs only booktabs."""
    aligned = "".join("l" if heading.align == "left" else "r" for heading in table.headings)
    lines = [
        r"% needs \usepackage{booktabs}",
        rf"\noindent\textbf{{{_escaped(table.title)}}}",
        "",
        r"\medskip\noindent",
        rf"\begin{{tabular}}{{{aligned}}}",
        r"\toprule",
        _row(_heading(h) for h in table.headings),
        r"\midrule",
        *(
            _row(
                _cell(text, table.headings[j].align[0], table.ranks.get((i, j)))
                for j, text in enumerate(row)
            )
            for i, row in enumerate(table.rows)
        ),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    for note in table.notes:
        lines += ["", rf"\smallskip\noindent {{\footnotesize {_escaped(note)}}}"]
    return "\n".join(lines) + "\n"


def _row(cells: Iterator[str]) -> str:
    return " & ".join(cells) + r" \\"


def _cell(text: str, side: str, rank: int | None) -> str:
    """Return a cell; of a ranked one the first number is marked.

    Its other lines are below the first one, which stands in the row of its checkpoint.
    """
    first, *rest = text.split("\n")
    number, space, more = first.partition(" ")
    marked = f"{_LOOKS[rank]}{{{_escaped(number)}}}{_escaped(space + more)}" if rank else None
    lines = [marked or _escaped(first), *map(_escaped, rest)]
    if len(lines) == 1:
        return lines[0]
    broken = r" \\ ".join(lines)
    return rf"\begin{{tabular}}[t]{{@{{}}{side}@{{}}}}{broken}\end{{tabular}}"


def _heading(heading: Heading) -> str:
    """Return a heading whose lines stand on the rule below them."""
    lines = [_escaped(line) for line in heading.text.split("\n")]
    broken = r" \\ ".join(lines)
    return broken if len(lines) == 1 else rf"\shortstack[{heading.align[0]}]{{{broken}}}"


def _escaped(text: str) -> str:
    # A bracket behind a line's end would be read as the space to leave there.
    shown = _MINUS.sub("$-$", _MARK.sub(lambda match: _MARKS[match[0]], text))
    return f"{{}}{shown}" if shown.startswith("[") else shown

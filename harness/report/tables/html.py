"""A table as a page of HTML that needs nothing else."""

from collections.abc import Iterator
from html import escape

from harness.report.tables.table import Table

_STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;color:#222;margin:2em}"
    "table{border-collapse:collapse;border-top:2px solid;border-bottom:2px solid}"
    "caption{text-align:left;font-weight:bold;padding-bottom:.5em}"
    "th,td{padding:.35em .8em;vertical-align:top;white-space:nowrap}"
    "thead{border-bottom:1px solid}tbody tr+tr{border-top:1px solid #ddd}"
    ".right{text-align:right}.left{text-align:left}p{max-width:60em;margin:.5em 0;color:#444}"
)
_TAGS = {1: "b", 2: "u"}


def html(table: Table) -> str:
    """Return a whole page: the table, best in bold and second underlined, and its notes."""
    head = "".join(
        f'<th scope="col" class="{h.align}">{_broken(h.text)}</th>' for h in table.headings
    )
    lines = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f"<title>{escape(table.title)}</title><style>{_STYLE}</style></head><body>",
        f"<table><caption>{escape(table.title)}</caption>",
        f"<thead><tr>{head}</tr></thead><tbody>",
        *(f"<tr>{''.join(_cells(table, i))}</tr>" for i in range(len(table.rows))),
        "</tbody></table>",
        *(f"<p>{escape(note)}</p>" for note in table.notes),
        "</body></html>",
    ]
    return "\n".join(lines) + "\n"


def _cells(table: Table, row: int) -> Iterator[str]:
    for j, text in enumerate(table.rows[row]):
        shown = _broken(text)
        if tag := _TAGS.get(table.ranks.get((row, j), 0)):
            number, space, rest = shown.partition(" ")
            shown = f"<{tag}>{number}</{tag}>{space}{rest}"
        yield f'<td class="{table.headings[j].align}">{shown}</td>'


def _broken(text: str) -> str:
    return escape(text).replace("\n", "<br>")

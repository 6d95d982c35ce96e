"""Every format of a table by its name; Markdown, CSV, JSON and HTML."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from harness.report.tables.latex import latex
from harness.report.tables.table import Raw, Table

_STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;color:#222;margin:2em}"
    "table{border-collapse:collapse;border-top:2px solid;border-bottom:2px solid}"
    "caption{text-align:left;font-weight:bold;padding-bottom:.5em}"
    "th,td{padding:.35em .8em;vertical-align:top;white-space:nowrap}"
    "thead{border-bottom:1px solid}tbody tr+tr{border-top:1px solid #ddd}"
    ".right{text-align:right}.left{text-align:left}p{max-width:60em;margin:.5em 0;color:#444}"
)
_TAGS = {1: "b", 2: "u"}


def markdown(table: Table) -> str:
    """Write the table as GitHub-flavoured Markdown with its title and notes."""
    lines = [
        f"**{_escaped(table.title)}**",
        "",
        _piped([heading.text for heading in table.headings]),
        _piped(["---" if h.align == "left" else "---:" for h in table.headings]),
        *map(_piped, table.rows),
    ]
    for note in table.notes:
        lines += ["", _escaped(note)]
    return "\n".join(lines) + "\n"


def to_csv(table: Table) -> str:
    """Write the records as CSV; 12 significant digits, fractions as fractions."""
    out = io.StringIO()
    if table.records:
        writer = csv.DictWriter(out, list(table.records[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(_rounded, table.records))
    return out.getvalue()


def to_json(table: Table) -> str:
    """Write title, cells, notes and records (12 significant digits) as one JSON object."""
    document = {
        "title": table.title,
        "columns": [heading.text for heading in table.headings],
        "rows": table.rows,
        "notes": table.notes,
        "records": [_rounded(record) for record in table.records],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _rounded(record: Mapping[str, Raw]) -> dict[str, Raw]:
    """Drop the last digits, which depend on the processor's order of additions."""
    return {
        key: float(f"{value:.12g}") if isinstance(value, float) else value
        for key, value in record.items()
    }


def _piped(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_escaped, cells))} |"


def _escaped(text: str) -> str:
    """Escape text for Markdown; line breaks become `<br>`."""
    for mark in ("\\", "|", "*", "~", "<"):
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\n", "<br>")


def html(table: Table) -> str:
    """Write a page that needs nothing else: the table, best in bold and second underlined."""
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


#: Name -> writer from a table to text, and the ending of its files.
FORMATS = {"markdown": markdown, "latex": latex, "csv": to_csv, "json": to_json, "html": html}
ENDINGS = {"markdown": "md", "latex": "tex", "csv": "csv", "json": "json", "html": "html"}

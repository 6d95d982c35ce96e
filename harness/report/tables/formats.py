"""Every format of a table by its name; Markdown, CSV and JSON."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.report.tables.html import html
from harness.report.tables.latex import latex
from harness.report.tables.table import Raw, Table


def markdown(table: Table) -> str:
    """Write the table as GitHub-flavoured Markdown with its title and notes."""
    lines = [
        f"**{_escaped(table.title)}**",
        "",
        _piped([heading.text for heading in table.headings]),
        _piped(["---" if h.align == "left" else "---:" for h in table.headings]),
        *(_piped(row) for row in table.rows),
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


@dataclass(frozen=True, slots=True)
class Format:
    """A writer from a table to text, and the ending of its files."""

    write: Callable[[Table], str]
    ending: str


FORMATS: Mapping[str, Format] = {
    "markdown": Format(markdown, "md"),
    "latex": Format(latex, "tex"),
    "csv": Format(to_csv, "csv"),
    "json": Format(to_json, "json"),
    "html": Format(html, "html"),
}

"""Every format of a table by its name, with the ending of its files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.report.tables.html import html
from harness.report.tables.latex import latex
from harness.report.tables.table import Table, markdown, to_csv, to_json


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

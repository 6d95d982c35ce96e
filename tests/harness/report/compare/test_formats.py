"""LaTeX, HTML and JSON: whole, escaped, and the best of a column marked."""

import json
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from harness.report.compare.comparison import compare
from harness.report.tables.formats import FORMATS, html, to_json
from harness.report.tables.latex import latex
from harness.report.tables.score_table import comparison_table
from harness.report.tables.table import Heading, Table
from harness.storage.result import read_result

GOLDEN = Path(__file__).parents[2] / "golden" / "result.json"
NASTY = Table(
    title="50 % of A_1 & B#2 {x} ~ ^ \\ $",
    headings=(Heading("name", "left"), Heading("a<b\n%")),
    rows=(("x|y", "1.5 [0, 2]\n[–]*"), ("±×", "2.5 [1, 3]\n+1.0 [0.1, 2.0]*")),
    notes=("<script>&", "-1.5 [-2, 1], gpt-4"),
    records=({"name": "x|y", "value": 0.1 + 0.2}, {"name": "z", "value": None}),
    ranks={(1, 1): 1, (0, 1): 2},
)


@pytest.fixture(scope="module")
def table() -> Table:
    return comparison_table(compare(read_result(GOLDEN), "base"))


def test_latex_escapes_marks_and_keeps_every_cell() -> None:
    text = latex(NASTY)
    assert r"50 \% of A\_1 \& B\#2 \{x\} \textasciitilde{} \textasciicircum{}" in text
    assert r"\textbackslash{} \$" in text
    inner = r"\begin{tabular}[t]{@{}r@{}}"
    assert inner + r"\underline{1.5} [0, 2] \\ {}[--]*\end{tabular}" in text
    assert inner + r"\textbf{2.5} [1, 3] \\ +1.0 [0.1, 2.0]*\end{tabular}" in text
    assert "{$-$1.5 [$-$2, 1], gpt-4}" in text.replace(r"\footnotesize ", "")
    rules = [r"\toprule", r"\midrule", r"\bottomrule"]
    assert [line for line in text.splitlines() if "rule" in line] == rules
    assert text.count(r"\begin{") == text.count(r"\end{")


def test_latex_rows_have_as_many_cells_as_there_are_columns(table: Table) -> None:
    lines = latex(table).splitlines()
    rows = lines[lines.index(r"\midrule") + 1 : lines.index(r"\bottomrule")]
    assert len(rows) == len(table.rows)
    assert {row.replace(r"\&", "").count("&") for row in rows} == {len(table.headings) - 1}
    assert all(row.count("{") == row.count("}") for row in lines)


def test_latex_compiles(table: Table, tmp_path: Path) -> None:
    tex = shutil.which("pdflatex") or shutil.which("xelatex") or shutil.which("tectonic")
    if tex is None:
        pytest.skip("no TeX is installed: pdflatex, xelatex or tectonic")
    body = "\n\n\\bigskip\n".join([latex(table), latex(NASTY)])
    page = (
        "\\documentclass{article}\\usepackage[utf8]{inputenc}\\usepackage{booktabs}"
        f"\\begin{{document}}\n{body}\n\\end{{document}}\n"
    )
    (tmp_path / "page.tex").write_text(page, encoding="utf-8")
    flags = [] if "tectonic" in tex else ["-interaction=nonstopmode", "-halt-on-error"]
    done = subprocess.run(
        [tex, *flags, "page.tex"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:]


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        if tag not in ("br", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_html_is_whole_and_escaped() -> None:
    page = _Page()
    page.feed(html(NASTY))
    assert page.open == []
    assert page.tags.count("td") == 4
    assert [page.tags.count(tag) for tag in ("b", "u", "script")] == [1, 1, 0]
    assert {"<script>&", "x|y", "2.5", "1.5"} <= set(page.texts)


def test_json_holds_text_and_rounded_numbers() -> None:
    found = json.loads(to_json(NASTY))
    assert found["rows"][0] == ["x|y", "1.5 [0, 2]\n[–]*"]
    assert found["records"] == [{"name": "x|y", "value": 0.3}, {"name": "z", "value": None}]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_names_every_checkpoint(table: Table, name: str) -> None:
    text = FORMATS[name](table)
    assert all(row[0] in text for row in table.rows)
    assert text.endswith("\n")

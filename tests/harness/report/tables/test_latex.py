"""Committed tables in LaTeX compile where a TeX is present, with booktabs and nothing else."""

import shutil
import subprocess
from pathlib import Path

import pytest

RESULTS = Path(__file__).parents[4] / "results"
TABLES = sorted(RESULTS.glob("*.tex"))


@pytest.fixture(scope="module")
def tex() -> str:
    found = shutil.which("pdflatex")
    if found is None:
        pytest.skip("no pdflatex here: apt-get install texlive-latex-recommended")
    return found


def compiled(tex: str, folder: Path, body: str) -> subprocess.CompletedProcess[str]:
    """A document of that body, compiled; the first error ends it."""
    preamble = r"\documentclass[8pt]{extarticle}\usepackage{booktabs}\pagestyle{empty}"
    text = rf"{preamble}\begin{{document}}{body}\end{{document}}"
    (folder / "all.tex").write_text(text, encoding="utf-8")
    return subprocess.run(
        [tex, "-interaction=nonstopmode", "-halt-on-error", "all.tex"],
        cwd=folder,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("table", TABLES, ids=lambda file: file.stem)
def test_a_committed_table_compiles(tex: str, tmp_path: Path, table: Path) -> None:
    done = compiled(tex, tmp_path, table.read_text(encoding="utf-8"))
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "all.pdf").stat().st_size > 1000


def test_a_table_that_does_not_compile_would_be_seen(tex: str, tmp_path: Path) -> None:
    assert compiled(tex, tmp_path, r"\begin{tabular}{l} 50 % \\ a & b \end{tabular}").returncode

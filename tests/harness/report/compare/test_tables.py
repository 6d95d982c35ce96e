"""Golden files hold what a table looks like; NCA_WRITE_GOLDEN=1 writes them anew."""

import csv
import io
import os
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from harness.report.compare.comparison import compare
from harness.report.compare.likelihood import likelihood
from harness.report.tables.formats import markdown, to_csv
from harness.report.tables.likelihood_table import likelihood_table
from harness.report.tables.score_table import comparison_table
from harness.report.tables.table import Heading, Table, terminal
from harness.stats.cells import Comparison
from harness.storage.result import Result, read_result

FOLDER = Path(__file__).parents[2] / "golden"


@pytest.fixture(scope="module")
def result() -> Result:
    return read_result(FOLDER / "result.json")


@pytest.fixture(scope="module")
def comparison(result: Result) -> Comparison:
    return compare(result, "base")


def shown(table: Table, width: int = 100) -> str:
    """The table as a terminal of this width shows it."""
    console = Console(width=width, file=io.StringIO(), color_system=None, legacy_windows=False)
    console.print(terminal(table, width))
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"


def expect(name: str, text: str) -> None:
    """The text equals the golden file."""
    path = FOLDER / name
    if os.environ.get("NCA_WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def only(comparison: Comparison, suite: str) -> Comparison:
    """The comparison with one suite left."""
    return replace(
        comparison,
        columns=tuple(c for c in comparison.columns if c.suite == suite),
        cells={key: cell for key, cell in comparison.cells.items() if key[1] == suite},
    )


def test_several_suites_in_every_format(comparison: Comparison) -> None:
    table = comparison_table(comparison)
    expect("several.txt", shown(table))
    expect("several.md", markdown(table))
    expect("several.csv", to_csv(table))


def test_one_suite_in_every_format(comparison: Comparison) -> None:
    table = comparison_table(only(comparison, "arithmetic"))
    expect("one.txt", shown(table))
    expect("one.md", markdown(table))


def test_likelihoods_in_every_format(result: Result) -> None:
    table = likelihood_table(likelihood(result))
    expect("likelihood.txt", shown(table))
    expect("likelihood.md", markdown(table))
    expect("likelihood.csv", to_csv(table))


def test_every_line_fits_the_terminal_and_no_column_is_lost(comparison: Comparison) -> None:
    columns = tuple(
        replace(comparison.columns[0], suite=f"arithmetic{number}") for number in range(8)
    )
    cells = {
        (name, column.suite): cell
        for name in comparison.checkpoints
        for column in columns
        if (cell := comparison.cell(name, "arithmetic"))
    }
    text = shown(comparison_table(replace(comparison, columns=columns, cells=cells)))
    assert max(map(len, text.splitlines())) <= 100
    assert all(f"arithmetic{number}" in text for number in range(8))


def test_other_metrics_of_a_suite_stand_in_notes(comparison: Comparison) -> None:
    cells = dict(comparison.cells)
    for name, value in (("base", 0.25), ("nca", 0.5)):
        cells[name, "humaneval"] = replace(cells[name, "humaneval"], beside={"pass_at_5": value})
    notes = comparison_table(replace(comparison, cells=cells)).notes
    assert "humaneval, pass_at_5, %: base 25.0, nca 50.0" in notes


def test_what_is_no_fraction_is_not_shown_in_percent(comparison: Comparison) -> None:
    cells = dict(comparison.cells)
    for name, value in (("base", 0.5), ("nca", 1976.25)):
        cells[name, "humaneval"] = replace(cells[name, "humaneval"], beside={"length": value})
    notes = comparison_table(replace(comparison, cells=cells)).notes
    assert "humaneval, length: base 0.5, nca 1976" in notes


def test_an_interval_that_cannot_be_estimated_is_said_so(comparison: Comparison) -> None:
    assert not any("[–]" in note for note in comparison_table(comparison).notes)
    cell = comparison.cells["nca", "arithmetic"]
    assert cell.delta
    flat = replace(cell, value=0.5, interval=None, delta=replace(cell.delta, interval=None))
    cells = comparison.cells | {("nca", "arithmetic"): flat}
    table = comparison_table(replace(comparison, cells=cells))
    shown = table.rows[-1][1]
    assert shown.startswith("50.0 [–]\n")
    assert shown.endswith(" [–]~")
    assert sum("no interval can be estimated" in note for note in table.notes) == 1
    record = next(
        r for r in table.records if (r["checkpoint"], r["suite"]) == ("nca", "arithmetic")
    )
    assert [record[name] for name in ("low", "high", "delta_low", "delta_high")] == [None] * 4


def test_a_withheld_headline_is_shown_as_missing(comparison: Comparison) -> None:
    cell = comparison.cells["nca", "arithmetic"]
    holes = replace(cell, value=None, interval=None, delta=None, n=90)
    table = comparison_table(
        replace(comparison, cells=comparison.cells | {("nca", "arithmetic"): holes})
    )
    assert "missing (90 of 100)" in table.rows[-1][1]
    assert any("--allow-missing" in note for note in table.notes)


def test_the_bounds_of_missing_ones_are_in_the_metric_s_own_unit(comparison: Comparison) -> None:
    (column, *others) = comparison.columns
    key = ("nca", column.suite)
    cell = replace(comparison.cells[key], n=90, bounds=(0.25, 0.5))
    for fraction, said in ((True, "25.0 and 50.0"), (False, "0.2 and 0.5")):
        shown = replace(
            comparison,
            columns=(replace(column, fraction=fraction), *others),
            cells=comparison.cells | {key: cell},
        )
        assert any(
            f"90 of 100 prompts (with all of them it lies between {said})" in n
            for n in comparison_table(shown).notes
        )


def test_a_checkpoint_without_a_suite_has_an_empty_cell(comparison: Comparison) -> None:
    cells = {key: cell for key, cell in comparison.cells.items() if key != ("nca", "humaneval")}
    table = comparison_table(replace(comparison, cells=cells))
    assert table.rows[-1][2] == "–"


def test_csv_reads_back_as_the_numbers(comparison: Comparison) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(comparison_table(comparison)))))
    assert len(rows) == len(comparison.cells)
    for row in rows:
        cell = comparison.cells[row["checkpoint"], row["suite"]]
        assert float(row["value"]) == pytest.approx(cell.value, rel=1e-11)
        assert bool(row["delta"]) == (cell.delta is not None)
        if cell.delta:
            assert float(row["delta"]) == pytest.approx(cell.delta.delta, rel=1e-11)


def test_markdown_cannot_be_broken_by_a_name() -> None:
    table = Table("a|b", (Heading("x|y", "left"),), (("<b>*q*|\n2",),))
    line = markdown(table).splitlines()[-1]
    assert line == r"| \<b>\*q\*\|<br>2 |"

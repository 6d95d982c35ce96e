"""Columns that are no fractions, repeats, win rates, and what the prompts at hand can show."""

from dataclasses import replace

import pytest

from harness.report.compare.comparison import compare
from harness.report.tables.score_table import comparison_table
from harness.stats.cells import AVERAGE, Column
from harness.stats.intervals import wilson
from harness.stats.paired import bonett_price
from harness.stats.power.sizes import Aim, mcnemar_detectable, mean_detectable
from harness.storage.result import SampleResult, SuiteResult

from .results import kl, result, suite

RIGHT, WRONG = [1.0] * 12, [0.0] * 12


def test_a_measure_without_bounds_is_no_fraction_even_if_all_values_are_zero() -> None:
    found = compare(result(base=[kl([0.0] * 8)], nca=[kl([0.0, 1.0] * 4)]), "base")
    (column,) = found.columns
    base, nca = found.cell("base", "kl:maths"), found.cell("nca", "kl:maths")
    assert (column.fraction, column.ranked, column.scale) == (False, False, 1.0)
    assert base
    assert base.interval is None
    assert nca
    assert nca.interval not in (None, wilson(4, 8))
    assert nca.delta
    assert nca.delta.test == "sign-flip"


def test_numbers_without_bounds_have_three_significant_digits() -> None:
    column = Column("kl:maths", "k1", fraction=False, decimals=None)
    assert column.shown(0.03123, 0.029, 0.0351) == ["0.0312", "0.0290", "0.0351"]
    assert column.shown(45.678, 40.0) == ["45.7", "40.0"]
    assert column.shown(0.0) == ["0.0"]
    assert column.shown(-12.34, sign=True) == ["-12.3"]
    rated = compare(result(base=[suite([7.0, 8.0], name="chat", bounds=(1, 10))]), "base")
    assert rated.columns[0].shown(7.3456) == ["7.35"]


def test_missing_values_of_a_measure_without_bounds_have_none_either() -> None:
    found = compare(result(base=[kl([0.5, 0.25, None])]), "base", allow_missing=True)
    cell = found.cell("base", "kl:maths")
    assert cell
    assert (cell.value, cell.bounds) == (0.375, None)


def test_the_average_is_of_the_fractions_and_says_so() -> None:
    mixed = result(
        base=[suite(WRONG), suite(RIGHT, name="code"), kl([0.0, 0.0])],
        nca=[suite(RIGHT), suite(RIGHT, name="code"), kl([3.0, 5.0])],
    )
    found = compare(mixed, "base")
    assert [c.suite for c in found.columns] == ["maths", "code", "kl:maths", AVERAGE]
    cells = [found.cell(name, AVERAGE) for name in ("base", "nca")]
    assert [cell and cell.value for cell in cells] == [0.5, 1.0]
    assert "The average is over maths and code." in comparison_table(found).notes
    only = compare(result(base=[suite(WRONG), kl([0.0, 1.0])]), "base")
    assert AVERAGE not in [c.suite for c in only.columns]


def test_the_best_and_second_are_marked_where_more_is_better() -> None:
    table = comparison_table(
        compare(
            result(
                base=[suite([1.0, 0.0, 0.0]), kl([1.0, 2.0, 3.0])],
                a=[suite([1.0, 1.0, 0.0]), kl([1.0, 2.0, 4.0])],
                b=[suite([1.0, 1.0, 0.0]), kl([1.0, 2.0, 5.0])],
                c=[suite([0.0, 0.0, 0.0]), kl([1.0, 2.0, 6.0])],
            ),
            "base",
        )
    )
    assert table.ranks == {(1, 1): 1, (2, 1): 1, (0, 1): 2}


def test_a_win_rate_counts_ties_and_keeps_its_width() -> None:
    games = suite([0.5] * 10, name="pairs", headline="win_rate")
    cell = compare(result(base=[games]), "base").cell("base", "pairs")
    around = bonett_price(0, 0, 10)
    assert cell
    assert cell.interval
    assert cell.interval.low == pytest.approx(0.5 + around.low / 2)


def _repeated(scores: list[list[float]]) -> SuiteResult:
    samples = tuple(
        SampleResult(id=str(i), repeat=r, value=value, status="ok")
        for i, row in enumerate(scores)
        for r, value in enumerate(row)
    )
    return suite([]).model_copy(update={"samples": samples})


def test_what_repeats_add_to_the_error_is_said_apart() -> None:
    found = compare(result(base=[_repeated([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])]), "base")
    cell = found.cell("base", "maths")
    assert cell
    assert cell.noise
    assert cell.noise.within == pytest.approx(0.5 / 3)
    assert any("standard errors of prompts and of repeats" in n for n in _notes(found))
    single = compare(result(base=[suite(RIGHT)]), "base")
    assert not any("of repeats" in n for n in _notes(single))


def _notes(found: object) -> tuple[str, ...]:
    return comparison_table(found).notes  # type: ignore[arg-type]


def test_what_the_prompts_can_show_is_that_of_nca_power() -> None:
    half = [1.0, 0.0] * 50
    other = [0.0] * 10 + half[10:]
    found = compare(result(base=[suite(half)], a=[suite(other)], b=[suite(half)]), "base")
    cells = [found.cell(name, "maths") for name in "ab"]
    assert [cell and cell.detectable for cell in cells] == [
        mcnemar_detectable(100, 0.05, Aim(0.8, 0.05 / 2)),
        None,  # nothing was discordant
    ]
    graded = compare(
        result(base=[kl([0.0, 1.0, 2.0, 3.5])], nca=[kl([1.0, 3.0, 4.0, 3.5])]), "base"
    )
    cell = graded.cell("nca", "kl:maths")
    assert cell
    assert cell.detectable == mean_detectable(2.75 / 3, 4, Aim(0.8, 0.05))
    assert any("these prompts show a difference of" in note for note in _notes(found))
    clear = {k: replace(c, p_holm=0.01 if c.delta else None) for k, c in found.cells.items()}
    assert not any("these prompts show" in n for n in _notes(replace(found, cells=clear)))


def test_values_outside_of_what_a_record_says_can_be_have_no_best() -> None:
    old = suite([0.5, 8.2], name="kl:maths", headline="k1", bounds=(0.0, 1.0))
    found = compare(result(base=[old]), "base")
    assert not found.columns[0].ranked

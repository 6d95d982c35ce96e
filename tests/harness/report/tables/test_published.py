"""Published figures: marked, sourced, and set against ours only where protocols match."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.errors import RecipeError, RunError
from harness.report.tables.published import Published
from harness.report.tables.published_table import OurRow, published_table
from harness.report.tables.specification import read_yaml
from harness.stats.intervals import wilson
from harness.storage.result import CheckpointResult, SampleResult, SuiteResult

FILES = sorted((Path(__file__).parents[4] / "results" / "published").glob("*.yaml"))
PROTOCOL = {"suite": "maths", "decoding": "greedy", "samples": "4"}


def _published(**protocol: str) -> Published:
    return Published.model_validate(
        {
            "title": "their table",
            "source": {"title": "They", "where": "table 1", "read": "By us."},
            "columns": {
                "maths": {"title": "Maths", "protocol": protocol},
                "code": {"title": "Code"},
            },
            "rows": {
                "SFT": {"maths": [40.0, "C"], "code": [10.0, "R"]},
                "NCA": {"maths": [60.0, "S", 1.25]},
            },
        }
    )


def _ours(**changes: Any) -> OurRow:
    score = SuiteResult(
        suite="maths",
        headline="accuracy",
        metrics={},
        statuses={"ok": 4},
        samples=tuple(SampleResult(id=str(i), value=float(i < 3), status="ok") for i in range(4)),
        protocol={"suite": "maths 2", "decoding": "greedy"},
    )
    score = score.model_copy(update=changes)
    checkpoint = CheckpointResult(name="nca", fingerprint="0", suites={"maths": score})
    return OurRow("ours", checkpoint, {"maths": "maths", "code": "maths"}, beside="NCA")


def test_ours_stands_under_theirs_with_a_difference_where_protocols_match() -> None:
    table = published_table(_published(**PROTOCOL), [_ours()], {}, {})
    around = wilson(3, 4)
    low, high = 100 * around.low, 100 * around.high
    assert table.rows == (
        ("SFT", "40.0", "10.0?"),
        ("NCA", "60.0† ± 1.2", "–"),
        ("ours", f"75.0 [{low:.1f}, {high:.1f}]\n+15.0", f"75.0 [{low:.1f}, {high:.1f}]"),
    )
    differences = {
        (r["model"], r["column"]): r["difference"] for r in table.records if r["low"] is not None
    }
    assert differences == {("ours", "maths"): 15.0, ("ours", "code"): None}


@pytest.mark.parametrize(("protocol", "said"), [
    ({}, "Maths: no difference is given, because the published protocol is not known"),
    ({**PROTOCOL, "decoding": "sampled"}, "decoding is sampled there and greedy here"),
    ({**PROTOCOL, "samples": "5000"}, "samples is 5000 there and 4 here"),
    ({**PROTOCOL, "judge": "gpt-4"}, "judge is gpt-4 there and not stated here"),
    ({**PROTOCOL, "suite": "maths:easy"}, "suite is maths:easy there and maths here"),
])  # fmt: skip
def test_no_difference_is_taken_where_protocols_differ(protocol: dict[str, str], said: str) -> None:
    table = published_table(_published(**protocol), [_ours()], {}, {})
    assert "\n" not in table.rows[2][1]
    assert any(said in note for note in table.notes)
    assert all(record["difference"] is None for record in table.records)


def test_nothing_is_set_against_a_recalled_figure_or_beside_no_row() -> None:
    recalled = _published(**PROTOCOL)
    rows = {name: dict(cells) for name, cells in recalled.rows.items()}
    rows["NCA"]["maths"] = rows["NCA"]["maths"].model_copy(update={"mark": "R"})
    table = published_table(recalled.model_copy(update={"rows": rows}), [_ours()], {}, {})
    assert all(record["difference"] is None for record in table.records)
    assert table.ranks == {}  # one figure is secondary or recalled
    assert any("not to be quoted" in note for note in table.notes)
    alone = OurRow("ours", _ours().checkpoint, {"maths": "maths"})
    table = published_table(_published(**PROTOCOL), [alone], {}, {})
    assert "\n" not in table.rows[2][1]


def test_the_best_of_a_confirmed_column_is_marked_wherever_our_rows_stand() -> None:
    known = _published(**PROTOCOL)
    rows = {
        name: {"maths": figure["maths"].model_copy(update={"mark": "C"})}
        for name, figure in known.rows.items()
    }
    ours = OurRow("ours", _ours().checkpoint, {"maths": "maths"}, beside="SFT")
    table = published_table(known.model_copy(update={"rows": rows}), [ours], {}, {})
    assert [row[0] for row in table.rows] == ["SFT", "ours", "NCA"]
    assert table.ranks == {(2, 1): 1, (0, 1): 2}


def test_a_score_with_missing_values_is_not_shown() -> None:
    hole = (SampleResult(id="0", value=None, status="infra"),)
    table = published_table(_published(**PROTOCOL), [_ours(samples=hole)], {}, {})
    assert table.rows[2] == ("ours", "–", "–")


def test_rows_and_columns_are_chosen_and_wrong_ones_named() -> None:
    table = published_table(_published(), [], {"NCA": "theirs"}, {"maths": "M"})
    assert (table.rows, [h.text for h in table.headings]) == (
        (("theirs", "60.0† ± 1.2"),), ["model", "M"],
    )  # fmt: skip
    for rows, columns in (({"KTO": "x"}, {}), ({}, {"bbh": "x"})):
        with pytest.raises(RunError, match="no published"):
            published_table(_published(), [], rows, columns)
    with pytest.raises(RunError, match="no published row 'NCA'"):
        published_table(_published(), [_ours()], {"SFT": "SFT"}, {})


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_published_file_is_whole_and_shows_no_recalled_figure_as_fact(file: Path) -> None:
    published = read_yaml(file, Published)
    table = published_table(published, [], {}, {})
    recalled = {
        (row, published.columns[column].title)
        for row, cells in published.rows.items()
        for column, figure in cells.items()
        if figure.mark == "R"
    }
    titles = [heading.text for heading in table.headings]
    marked = {
        (row[0], title)
        for row in table.rows
        for title, text in zip(titles[1:], row[1:], strict=True)
        if text.endswith("?")
    }
    assert marked == recalled
    assert len(set(titles)) == len(titles)


def test_averages_of_published_rows_add_up() -> None:
    reasoning = next(f for f in FILES if f.stem == "nca-reasoning")
    for cells in read_yaml(reasoning, Published).rows.values():
        eight = [figure.value for name, figure in cells.items() if name != "average"]
        assert sum(eight) / 8 == pytest.approx(cells["average"].value, abs=0.051)


def test_a_cell_of_an_unknown_column_or_mark_is_named(tmp_path: Path) -> None:
    good = yaml.safe_load(FILES[0].read_text())
    for change, said in (({"bbhh": [1.0, "C"]}, "no column 'bbhh'"), ({}, "mark")):
        rows = {"row": change or {next(iter(good["columns"])): [1.0, "X"]}}
        (tmp_path / "p.yaml").write_text(yaml.safe_dump({**good, "rows": rows}))
        with pytest.raises(RecipeError, match=said):
            read_yaml(tmp_path / "p.yaml", Published)

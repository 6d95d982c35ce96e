"""Specifications: rows and columns chosen, renamed and sorted; what is wrong is named."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.errors import RecipeError, RunError
from harness.report.tables.build import build
from harness.report.tables.specification import read_specification
from harness.report.tables.table import Table

GOLDEN = Path(__file__).parents[2] / "golden" / "result.json"


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Table]:
    """A function from a specification's keys to the table that is built of it."""

    def make(**keys: Any) -> Table:
        wanted = {"runs": [str(GOLDEN)], "formats": ["json"], **keys}
        (tmp_path / "table.yaml").write_text(yaml.safe_dump(wanted, sort_keys=False))
        ((_, table, _),) = build(tmp_path, tmp_path / "out")
        return table

    return make


def test_rows_and_columns_are_chosen_renamed_and_ordered(made: Callable[..., Table]) -> None:
    table = made(
        title="chosen",
        rows={"nca": "NCA", "base": "before", "dpo": None},
        columns={"humaneval": "Code", "arithmetic": "Sums"},
    )
    assert table.title == "chosen"
    assert [row[0] for row in table.rows] == ["NCA", "before", "dpo"]
    assert [h.text.split("\n")[0] for h in table.headings[1:]] == ["Code", "Sums", "average"]
    assert "On Sums, dpo (+13.0) is significantly above before" in table.notes[0]
    assert not any("infonca" in note for note in table.notes)


def test_p_values_are_corrected_for_what_is_shown(made: Callable[..., Table]) -> None:
    def corrected(**keys: Any) -> float:
        (record,) = (
            r
            for r in made(**keys).records
            if (r["checkpoint"], r["suite"]) == ("dpo", "arithmetic")
        )
        assert isinstance(record["p_holm"], float)
        return record["p_holm"]

    alone = corrected(rows=["base", "dpo"], columns=["arithmetic"])
    assert corrected() == pytest.approx(9 * alone)


def test_rows_are_sorted_by_a_column(made: Callable[..., Table]) -> None:
    down = made(sort={"by": "arithmetic"})
    assert [row[0] for row in down.rows] == ["dpo", "infonca", "nca", "base"]
    up = made(sort={"by": "arithmetic", "order": "ascending"})
    assert [row[0] for row in up.rows] == ["base", "nca", "infonca", "dpo"]


def test_another_baseline(made: Callable[..., Table]) -> None:
    table = made(baseline="dpo", rows={"base": None, "dpo": "DPO"})
    assert "against" not in table.rows[1][1]
    assert "\n" not in table.rows[1][1]
    assert "\n" in table.rows[0][1]
    assert "base (-13.0) is significantly below DPO" in table.notes[0]


@pytest.mark.parametrize(("keys", "error", "said"), [
    ({"row": ["nca"]}, RecipeError, "row: no such key: did you mean 'rows'"),
    ({"rows": ["kto"]}, RunError, "no checkpoint 'kto': there are base, dpo, infonca, nca"),
    ({"columns": ["bbh"]}, RunError, "no suite 'bbh': there are arithmetic, humaneval"),
    ({"rows": {"dpo": "x", "nca": "x"}}, RunError, "two rows or columns are called 'x'"),
    ({"rows": ["nca"]}, RunError, "no checkpoint 'base': it has nca"),
    ({"sort": {"by": "bbh"}}, RunError, "no column 'bbh'"),
    ({"formats": ["pdf"]}, RecipeError, "formats.0: Input should be 'markdown'"),
    ({"figures": ["pie"]}, RecipeError, "no picture is called 'pie': use scores, deltas"),
    ({"runs": []}, RecipeError, "runs: name result files"),
    ({"runs": ["nowhere.json"]}, RunError, "nowhere.json: no result there"),
    ({"kind": "published"}, RecipeError, "published: name the file"),
    ({"kind": "trends", "baseline": "kto"}, RunError, "no checkpoint 'kto' was probed"),
    ({"kind": "trends", "rows": ["kto"]}, RunError, "no objective 'kto': there are dpo"),
    ({"kind": "pie"}, RecipeError, "kind: Input should be"),
])  # fmt: skip
def test_a_mistake_is_named(
    made: Callable[..., Table], keys: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        made(**keys)


def test_a_file_that_is_no_yaml_and_a_folder_without_any_are_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"no specification of a table \(\*.yaml\) is there"):
        list(build(tmp_path, tmp_path))
    (tmp_path / "broken.yaml").write_text("rows: [")
    with pytest.raises(RecipeError, match=r"broken.yaml: not valid YAML"):
        read_specification(tmp_path / "broken.yaml")


def test_every_picture_is_drawn_where_there_is_data(
    made: Callable[..., Table], tmp_path: Path
) -> None:
    made(figures=["scores", "deltas", "likelihood", "trends", "kl", "responses", "categories"])
    drawn = sorted(path.name for path in (tmp_path / "out" / "figures").iterdir())
    assert drawn == [
        "table-deltas.png", "table-deltas.svg", "table-likelihood.png", "table-likelihood.svg",
        "table.png", "table.svg",
    ]  # fmt: skip


def test_the_command_writes_files_and_names_them(
    nca: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "scores.yaml").write_text(f"runs: [{GOLDEN}]\nformats: [json, html]\n")
    assert nca("tables", tmp_path) == 0
    said = capsys.readouterr().out.splitlines()
    assert said == [str(tmp_path / "scores.json"), str(tmp_path / "scores.html")]
    assert json.loads((tmp_path / "scores.json").read_text())["records"]
    (tmp_path / "scores.yaml").write_text("rows: {}\n")
    assert nca("tables", tmp_path) == 2
    assert "scores.yaml: runs: name result files" in capsys.readouterr().err

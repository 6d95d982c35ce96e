"""Which cells are ranked together, and what is said of the others."""

import math
from pathlib import Path

from harness.report.dashboard.leaderboard import Leaderboard, leaderboard
from harness.report.dashboard.overview import overview
from harness.report.dashboard.reading import Reader, Scored, scored
from harness.stats.intervals import wilson
from harness.storage.result import Result

from . import folders
from .folders import save, suite_result


def read(folder: Path, found: Result) -> Scored:
    told = scored(save(folder / "one.json", found))
    assert isinstance(told, Scored)
    return told


def board(folder: Path, **results: Result) -> Leaderboard:
    return leaderboard({name: read(folder, one) for name, one in results.items()})


def cells(found: Leaderboard) -> list[tuple[str, str, str, int, bool]]:
    return [
        (row.run, row.checkpoint, place.score.text, place.group, place.best)
        for row in found.rows
        for place in row.cells
        if place is not None
    ]


def test_a_cell_has_value_interval_and_n(tmp_path: Path) -> None:
    found = read(tmp_path, folders.scored({"base": 25}))
    score = found.rows["base"]["gsm8k"]
    interval = wilson(25, 100)
    assert (score.text, score.n, score.total) == ("25.0", 100, 100)
    assert score.interval == f"[{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def test_what_we_failed_on_is_withheld_and_counted(tmp_path: Path) -> None:
    values = [1.0, None, 0.0]
    found = read(tmp_path, folders.result({"base": {"gsm8k": suite_result("gsm8k", values)}}))
    score = found.rows["base"]["gsm8k"]
    assert (score.value, score.text, score.interval) == (None, "", "")
    assert (score.n, score.total) == (2, 3)


def test_rows_come_run_by_run_and_the_best_is_that_of_all_runs(tmp_path: Path) -> None:
    found = board(
        tmp_path,
        new=folders.scored({"base": 20, "nca": 30}),
        old=folders.scored({"base": 20, "dpo": 40}),
    )
    assert cells(found) == [
        ("new", "base", "20.0", 0, False),
        ("new", "nca", "30.0", 0, False),
        ("old", "base", "20.0", 0, False),
        ("old", "dpo", "40.0", 0, True),
    ]
    assert found.notes == ()


def test_bars_of_a_column_share_a_scale_that_all_its_intervals_fill(tmp_path: Path) -> None:
    found = board(tmp_path, one=folders.scored({"base": 20, "nca": 50}))
    bars = [place.bar for row in found.rows for place in row.cells if place and place.bar]
    assert (bars[0][0], bars[1][2]) == (0.0, 100.0)
    low, high = wilson(20, 100), wilson(50, 100)
    at = 100 * (0.2 - low.low) / (high.high - low.low)
    assert bars[0][1] == round(at, 1)
    assert all(start < point < end for start, point, end in bars)


def test_cells_of_another_protocol_are_set_apart_and_the_difference_is_named(
    tmp_path: Path,
) -> None:
    found = board(
        tmp_path,
        new=folders.scored({"base": 99}, decoding="sampled", prompts="cccc"),
        newer_template=folders.scored({"base": 98}, template="dddd"),
        old=folders.scored({"base": 20, "nca": 30}),
    )
    assert cells(found) == [
        ("new", "base", "99.0", 1, False),
        ("newer_template", "base", "98.0", 2, False),
        ("old", "base", "20.0", 0, False),
        ("old", "nca", "30.0", 0, True),
    ]
    prompts = "other prompts (another version of the data, or another limit)"
    assert found.notes == (
        f"gsm8k: decoding sampled, in the other cells greedy; {prompts}",
        "gsm8k: another chat template",
    )
    assert found.columns[0].cells == 2


def test_of_two_protocols_as_common_the_newer_run_s_is_the_column_s(tmp_path: Path) -> None:
    found = board(
        tmp_path,
        new=folders.scored({"base": 1}, suite="gsm8k", engine="b"),
        old=folders.scored({"base": 2}, suite="gsm8k", engine="a"),
    )
    assert [(run, group) for run, _, _, group, _ in cells(found)] == [("new", 0), ("old", 1)]
    assert found.notes == ("gsm8k: engine a, in the other cells b",)


def test_of_cells_that_are_all_equal_and_of_distances_none_is_best(tmp_path: Path) -> None:
    equal = board(tmp_path, one=folders.scored({"base": 7, "nca": 7}))
    assert not any(best for *_, best in cells(equal))
    far = suite_result("kl:gsm8k", [0.25, 0.5])
    near = suite_result("kl:gsm8k", [0.0, 0.125])
    measures = {
        name: {
            "kl:gsm8k": one.model_copy(update={"headline": "k1", "bounds": (-math.inf, math.inf)})
        }
        for name, one in (("dpo", far), ("nca", near))
    }
    distances = board(tmp_path, one=folders.result(measures))
    assert not any(best for *_, best in cells(distances))
    assert distances.columns[0].measure == "k1, nats"


def test_suites_of_all_runs_are_columns_and_checkpoints_without_scores_no_rows(
    tmp_path: Path,
) -> None:
    found = board(
        tmp_path,
        new=folders.result({"base": {}, "nca": {"svamp": suite_result("svamp", [1.0])}}),
        old=folders.scored({"base": 20}),
    )
    assert [column.suite for column in found.columns] == ["svamp", "gsm8k"]
    assert [(row.checkpoint, [bool(p) for p in row.cells]) for row in found.rows] == [
        ("nca", [True, False]),
        ("base", [False, True]),
    ]


def test_what_is_no_result_is_listed_with_its_reason_and_the_rest_is_shown(tmp_path: Path) -> None:
    whole = save(tmp_path / "whole.json", folders.scored({"base": 20}))
    text = whole.read_text()
    (tmp_path / "torn.json").write_text(text[: len(text) // 2])
    (tmp_path / "foreign.json").write_text('{"a": 1}')
    (tmp_path / "later.json").write_text(text.replace('"schema_version": 1', '"schema_version": 9'))
    (tmp_path / "binary.json").write_bytes(b"\0\xff\xfe")
    save(tmp_path / "run" / "result.json", folders.scored({"base": 20}))
    (tmp_path / "run" / "result.json").write_text(text[:-9])

    found = overview(tmp_path, "runs", Reader())

    reasons = dict(found.unread)
    assert sorted(reasons) == ["binary.json", "foreign.json", "later.json", "torn.json"]
    assert reasons["foreign.json"] == "not a result file: it names no schema_version"
    assert "schema_version: Input should be 1" in reasons["later.json"]
    assert "EOF" in reasons["torn.json"]
    assert [row.run for row in found.board.rows] == ["whole.json"]
    (run,) = [one for one in found.runs if one.name == "run"]
    assert isinstance(run.result, str)


def test_a_file_is_read_once_for_every_state_of_it(tmp_path: Path) -> None:
    file = save(tmp_path / "one.json", folders.scored({"base": 20}))
    reader = Reader()

    def look() -> Scored | str | None:
        reader.begin([file])
        return reader.read(file, scored)

    first = look()
    assert isinstance(first, Scored)
    assert look() is first
    save(file, folders.scored({"base": 21, "nca": 5}))
    second = look()
    assert isinstance(second, Scored)
    assert list(second.rows) == ["base", "nca"]


def test_what_takes_too_long_is_left_to_the_next_look(tmp_path: Path) -> None:
    files = [save(tmp_path / f"{name}.json", folders.scored({"base": 20})) for name in "abc"]
    times = iter(range(100))
    reader = Reader(budget_s=2.0, clock=lambda: float(next(times)))  # a second each
    seen = []
    for _ in range(3):
        reader.begin(files)
        seen.append(sum(reader.read(file, scored) is not None for file in files))
    assert seen == [2, 3, 3]


def test_the_command_for_a_report_can_be_typed_as_it_stands(tmp_path: Path) -> None:
    save(tmp_path / "a run" / "result.json", folders.scored({"base": 20}))
    save(tmp_path / "kept.json", folders.scored({"base": 20}))
    found = {run.name: run.command for run in overview(tmp_path, "my runs", Reader()).runs}
    assert found == {
        "a run": "nca report 'my runs/a run' -o 'my runs/a run/report'",
        "kept.json": "nca report 'my runs/kept.json' -o 'my runs/kept'",
    }

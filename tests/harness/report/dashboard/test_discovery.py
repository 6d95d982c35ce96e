"""What is found below a folder, and in which order."""

import os
from pathlib import Path

from harness.report.dashboard.discovery import DEPTH, discover

from .folders import PAGE, recipe, save, scored


def aged(path: Path, seconds: int) -> Path:
    """The file, last changed so many seconds after 2020 began."""
    os.utime(path, (1577836800 + seconds,) * 2)
    return path


def names(root: Path) -> list[tuple[str, str]]:
    return [(one.kind, one.path.relative_to(root).as_posix()) for one in discover(root)]


def test_runs_results_and_reports_are_found_the_newest_first(tmp_path: Path) -> None:
    aged(save(tmp_path / "deep/er/old-1/result.json", scored({"base": 1})), 10)
    aged(recipe(tmp_path / "begun-2") / "recipe.resolved.yaml", 40)
    aged(save(tmp_path / "kept.json", scored({"base": 1})), 20)
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone/index.html").write_text(PAGE)
    aged(tmp_path / "alone/index.html", 30)

    assert names(tmp_path) == [
        ("run", "begun-2"),
        ("report", "alone/index.html"),
        ("result", "kept.json"),
        ("run", "deep/er/old-1"),
    ]


def test_a_run_is_as_new_as_its_last_step_and_not_as_its_report(tmp_path: Path) -> None:
    old = recipe(tmp_path / "old")
    aged(old / "recipe.resolved.yaml", 10)
    stage = old / "train" / "nca"
    stage.mkdir(parents=True)
    (stage / "stage.lock").touch()
    (stage / "steps.jsonl").touch()
    done = save(tmp_path / "done" / "result.json", scored({"base": 1}))
    aged(done, 20)
    (tmp_path / "done" / "report").mkdir()
    (tmp_path / "done" / "report" / "index.html").write_text(PAGE)
    aged(stage, 11)
    aged(stage / "steps.jsonl", 12)
    assert names(tmp_path) == [("run", "done"), ("run", "old")]

    aged(stage / "steps.jsonl", 21)
    assert names(tmp_path) == [("run", "old"), ("run", "done")]
    assert discover(tmp_path)[1].report == tmp_path / "done" / "report" / "index.html"


def test_what_lies_inside_a_run_is_its_own(tmp_path: Path) -> None:
    run = save(tmp_path / "run" / "result.json", scored({"base": 1})).parent
    save(run / "eval" / "base" / "gsm8k.json", scored({"base": 1}))
    save(run / "more" / "result.json", scored({"base": 1}))

    assert names(tmp_path) == [("run", "run")]
    assert [one.path for one in discover(run)] == [run]


def test_an_evaluation_of_models_is_a_run_before_it_has_a_result(tmp_path: Path) -> None:
    (tmp_path / "eval-1" / "eval").mkdir(parents=True)
    assert discover(tmp_path) == ()
    (tmp_path / "eval-1" / "eval" / "stage.lock").touch()
    assert names(tmp_path) == [("run", "eval-1")]


def test_foreign_pages_hidden_folders_the_cache_and_what_is_too_deep_are_left_out(
    tmp_path: Path,
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("<p>another's</p>")
    for folder in (".hidden", "cache", "/".join("abcdefg"[: DEPTH + 1])):
        save(tmp_path / folder / "result.json", scored({"base": 1}))
    assert discover(tmp_path) == ()


def test_links_to_folders_are_not_followed_so_that_circles_end(tmp_path: Path) -> None:
    save(tmp_path / "run" / "result.json", scored({"base": 1}))
    (tmp_path / "again").symlink_to(tmp_path)
    (tmp_path / "run" / "self").symlink_to(tmp_path / "run")
    assert names(tmp_path) == [("run", "run")]


def test_a_report_beside_runs_hides_none_and_one_of_a_result_file_is_that_file_s(
    tmp_path: Path,
) -> None:
    save(tmp_path / "run" / "result.json", scored({"base": 1}))
    save(tmp_path / "kept.json", scored({"base": 1}))
    for folder in (tmp_path, tmp_path / "kept"):
        folder.mkdir(exist_ok=True)
        (folder / "index.html").write_text(PAGE)

    found = {one.path.relative_to(tmp_path).as_posix(): one.report for one in discover(tmp_path)}

    assert found == {
        "index.html": tmp_path / "index.html",
        "run": None,
        "kept.json": tmp_path / "kept" / "index.html",
    }

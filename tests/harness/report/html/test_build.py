"""The report's files: what they are made of, where they go, and what is refused."""

import base64
import json
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import RunError
from harness.report.html.build import build
from harness.report.html.leaderboard import MOST_BASELINES, Options, compare_baselines
from harness.report.html.material import gather, source
from harness.storage.atomic_files import read_lines, write_text
from harness.storage.result import CheckpointResult, Result, read_result
from harness.storage.run_folder import RunFolder

from .made import MATHS, made


def unpacked(page: Path, element: str) -> Any:
    (text,) = re.findall(f'id="{element}">([^<]*)<', page.read_text(encoding="utf-8"))
    return json.loads(zlib.decompress(base64.b64decode(text)))


def built(folder: Path, out: Path, **options: Any) -> Path:
    return build(gather([source(read_result(folder), folder)]), out, Options(**options))


def test_equal_runs_give_equal_bytes(run_folder: Path, report: Path, tmp_path: Path) -> None:
    built(run_folder, tmp_path)
    files = sorted(file.name for file in report.iterdir())
    assert files == sorted(file.name for file in tmp_path.iterdir())
    for name in files:
        assert (report / name).read_bytes() == (tmp_path / name).read_bytes()


def test_pages_of_an_older_report_go_and_other_files_stay(run_folder: Path, tmp_path: Path) -> None:
    built(run_folder, tmp_path)
    write_text(tmp_path / "suite-gone.html", "old")
    write_text(tmp_path / "notes.html", "mine")
    built(run_folder, tmp_path)
    assert not (tmp_path / "suite-gone.html").exists()
    assert (tmp_path / "notes.html").exists()


def test_a_folder_with_another_s_first_page_is_left_alone(run_folder: Path, tmp_path: Path) -> None:
    write_text(tmp_path / "index.html", "<html>my home page</html>")
    with pytest.raises(RunError, match="not a report of nca"):
        built(run_folder, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["index.html"]
    write_text(tmp_path / "file", "")
    with pytest.raises(RunError, match="a file is there"):
        built(run_folder, tmp_path / "file")


def test_a_result_file_alone_gives_values_and_says_that_texts_are_not_there(
    run_folder: Path, tmp_path: Path
) -> None:
    file = run_folder / "result.json"
    build(gather([source(read_result(file), file)]), tmp_path)
    page = tmp_path / "suite-maths.html"
    assert "Some or all texts are missing for base, dpo, nca:" in page.read_text(encoding="utf-8")
    table = unpacked(page, "table")
    values = dict(zip(table["ids"], table["values"][2], strict=True))
    assert values == {str(i): float(value) for i, value in enumerate(MATHS["nca"])}
    (first, *_) = unpacked(page, "piece-0")
    assert first["prompt"] == []
    assert "said" not in first["answers"][0][0]
    assert "The recipe is missing" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_texts_of_another_evaluation_are_not_shown_as_this_one_s(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    made(folder)
    log = RunFolder(folder).sample_log("nca", "maths")
    rows = read_lines(log)
    rows[0]["value"] = 1.0 - rows[0]["value"]
    write_text(log, "".join(json.dumps(row) + "\n" for row in rows))
    built(folder, tmp_path / "out")
    page = tmp_path / "out" / "suite-maths.html"
    assert "Some or all texts are missing for nca:" in page.read_text(encoding="utf-8")
    base, _, nca = unpacked(page, "piece-0")[0]["answers"]
    assert "said" in base[0]
    assert "said" not in nca[0]


def test_a_torn_log_shows_what_is_whole(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    made(folder)
    log = RunFolder(folder).sample_log("nca", "maths")
    write_text(log, log.read_text(encoding="utf-8")[:-40])
    built(folder, tmp_path / "out")
    entries = unpacked(tmp_path / "out" / "suite-maths.html", "piece-0")
    assert ["said" in entry["answers"][2][0] for entry in entries] == [True] * 11 + [False]


def test_two_runs_are_shown_together_each_with_its_own_texts(
    run_folder: Path, tmp_path: Path
) -> None:
    whole = read_result(run_folder)
    parts = (whole.checkpoints[:1], whole.checkpoints[1:])
    halves = [whole.model_copy(update={"checkpoints": part}) for part in parts]
    found = gather([source(half, run_folder) for half in halves])
    assert [c.name for c in found.result.checkpoints] == ["base", "dpo", "nca"]
    assert len(found.logs) == 9
    assert set(found.training) == {"dpo", "nca"}


def test_a_run_without_scores_or_with_another_baseline_is_refused(
    run_folder: Path, tmp_path: Path
) -> None:
    whole = read_result(run_folder)
    bare = [c.model_copy(update={"suites": {}, "probe": ()}) for c in whole.checkpoints]
    with pytest.raises(RunError, match="nothing to show"):
        gather([source(whole.model_copy(update={"checkpoints": tuple(bare)}))])
    with pytest.raises(RunError, match="no checkpoint 'none'"):
        built(run_folder, tmp_path / "out", baseline="none")
    assert not (tmp_path / "out").exists()


def many(whole: Result, checkpoints: int, suites: int) -> Result:
    """The result with as many checkpoints and suites, all alike but for their names."""
    base = whole.checkpoints[2]
    score = base.suites["maths"]
    own = {f"maths-{i}": score.model_copy(update={"suite": f"maths-{i}"}) for i in range(suites)}
    rows = (
        CheckpointResult(name=f"nca-beta0.{i}", fingerprint=str(i), suites=own, probe=base.probe)
        for i in range(checkpoints)
    )
    return whole.model_copy(update={"checkpoints": tuple(rows), "baseline": "nca-beta0.0"})


@pytest.mark.parametrize(("checkpoints", "suites"), [(12, 10), (40, 10)])
def test_the_first_page_stays_small(
    run_folder: Path, tmp_path: Path, checkpoints: int, suites: int
) -> None:
    found = many(read_result(run_folder), checkpoints, suites)
    page = build(gather([source(found)]), tmp_path)
    assert page.stat().st_size <= 400_000


def test_twelve_baselines_can_be_chosen_the_wanted_one_first(run_folder: Path) -> None:
    found = many(read_result(run_folder), 14, 1)
    chosen = compare_baselines(found, Options(baseline="nca-beta0.13"))
    assert next(iter(chosen)) == "nca-beta0.13"
    assert len(chosen) == MOST_BASELINES


def test_the_command_names_the_first_page(
    nca: Callable[..., int], run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert nca("report", run_folder, "-o", tmp_path / "out", "--baseline", "dpo") == 0
    page = tmp_path / "out" / "index.html"
    assert capsys.readouterr().out == f"{page}\n"
    assert '<option value="dpo" selected>' in page.read_text(encoding="utf-8")
    assert nca("report", tmp_path / "nothing", "-o", tmp_path / "out") == 2
    assert "no result there" in capsys.readouterr().err


def test_a_run_ends_by_naming_its_report_and_writes_it_again_if_it_is_gone(
    nca: Callable[..., int],
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = ("--suites", "arithmetic", "--engine", "fake", "--limit", "3", "--tracking", "none")
    assert nca("eval", f"one={tiny_model}", f"two={tiny_model}", *asked) == 0
    (name,) = re.findall("^report: (.*)$", capfd.readouterr().out, re.MULTILINE)
    assert re.fullmatch(r"runs/eval-\w+/report/index.html", name)
    first = Path(name).read_bytes()
    assert "Texts are not" not in (Path(name).parent / "suite-arithmetic.html").read_text("utf-8")
    result = Path(name).parents[1] / "result.json"
    before = result.read_bytes()
    Path(name).unlink()
    assert nca("eval", f"one={tiny_model}", f"two={tiny_model}", *asked, "--json") == 0
    told = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert Path(told["report"]).read_bytes() == first
    assert result.read_bytes() == before


def test_a_run_that_was_only_trained_shows_its_curves_and_ranks_nobody(
    run_folder: Path, tmp_path: Path
) -> None:
    whole = read_result(run_folder)
    trained = tuple(c.model_copy(update={"suites": {}}) for c in whole.checkpoints)
    page = build(gather([source(whole.model_copy(update={"checkpoints": trained}))]), tmp_path)
    text = page.read_text(encoding="utf-8")
    assert re.findall('<section id="([a-z]+)"', text) == ["verdict", "trends", "provenance"]
    assert "does not rank them" in text
    assert "log-probability" in (tmp_path / "checkpoint-nca.html").read_text(encoding="utf-8")

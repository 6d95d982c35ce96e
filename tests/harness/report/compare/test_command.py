"""`nca compare`: its formats and its refusals, from the command line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from .results import result, suite

GOLDEN = Path(__file__).parents[2] / "golden" / "result.json"


@pytest.mark.parametrize(("name", "start"), [
    ("markdown", "**golden: scores"),
    ("latex", "% needs \\usepackage{booktabs}"),
    ("csv", "checkpoint,suite,value"),
    ("json", "{\n"),
    ("html", "<!doctype html>"),
    ("terminal", "golden: scores"),
])  # fmt: skip
def test_every_format_is_printed(
    nca: Callable[..., int], capsys: pytest.CaptureFixture[str], name: str, start: str
) -> None:
    assert nca("compare", GOLDEN, "--format", name) == 0
    assert capsys.readouterr().out.startswith(start)


def test_an_unknown_format_is_refused_with_those_there_are(
    nca: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert nca("compare", GOLDEN, "--format", "word") == 2
    said = capsys.readouterr().err
    assert "use terminal, markdown, latex, csv, json, html" in " ".join(said.split())


def test_a_run_without_scores_is_named(
    nca: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "probes.json"
    file.write_text(result(base=[], nca=[]).model_dump_json())
    assert nca("compare", file) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "probes.json: no checkpoint was evaluated on a suite (nca trends shows probes)" in said


def test_scores_that_were_made_otherwise_are_refused_or_warned_of(
    nca: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    mixed = result(base=[suite([1.0, 0.0], judge="a")], nca=[suite([1.0, 1.0], judge="b")])
    file = tmp_path / "mixed.json"
    file.write_text(mixed.model_dump_json())
    assert nca("compare", file) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "maths: judge is a for base and b for nca" in said
    assert "--allow-mismatch" in said
    assert nca("compare", file, "--allow-mismatch", "--format", "json") == 0
    notes = json.loads(capsys.readouterr().out)["notes"]
    assert "Warning: maths: judge is a for base and b for nca" in notes


def test_infinite_bounds_survive_a_result_file(tmp_path: Path) -> None:
    from harness.storage.result import read_result

    from .results import kl

    found = result(base=[kl([0.5])])
    (tmp_path / "kl.json").write_text(found.model_dump_json())
    assert read_result(tmp_path / "kl.json") == found

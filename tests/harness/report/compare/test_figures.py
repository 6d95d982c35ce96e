"""Pictures: equal bytes from equal data, nothing drawn from nothing."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from harness.report.compare.comparison import compare
from harness.report.figures.forest_figure import draw_scores
from harness.report.figures.likelihood_figure import draw_likelihood
from harness.stats.cells import Comparison
from harness.storage.result import Result, read_result

GOLDEN = Path(__file__).parents[2] / "golden" / "result.json"


@pytest.fixture(scope="module")
def result() -> Result:
    return read_result(GOLDEN)


@pytest.fixture(scope="module")
def comparison(result: Result) -> Comparison:
    return compare(result, "base")


def test_both_pictures_are_whole_and_equal_when_drawn_again(
    result: Result, comparison: Comparison, tmp_path: Path
) -> None:
    first = [
        *draw_scores(comparison, tmp_path / "one" / "scores"),
        *draw_likelihood(result, tmp_path / "one" / "likelihood"),
    ]
    again = [
        *draw_scores(comparison, tmp_path / "two" / "scores"),
        *draw_likelihood(result, tmp_path / "two" / "likelihood"),
    ]
    assert [p.name for p in first] == [
        "scores.png", "scores.svg", "likelihood.png", "likelihood.svg"
    ]  # fmt: skip
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in again]
    assert first[0].read_bytes().startswith(b"\x89PNG")
    assert sorted(p.name for p in (tmp_path / "one").iterdir()) == sorted(p.name for p in first)


def test_the_svg_says_what_it_shows_in_text(
    result: Result, comparison: Comparison, tmp_path: Path
) -> None:
    _, scores = draw_scores(comparison, tmp_path / "scores")
    text = "".join(ET.parse(scores).getroot().itertext())
    for word in (
        "arithmetic",
        "humaneval",
        "accuracy, %",
        "base",
        "nca",
        "does not differ significantly",
    ):
        assert word in text
    _, likelihood = draw_likelihood(result, tmp_path / "likelihood")
    text = "".join(ET.parse(likelihood).getroot().itertext())
    for word in ("dpo", "infonca", "nca", "nats", "worst response"):
        assert word in text


def test_nothing_is_drawn_without_data(
    result: Result, comparison: Comparison, tmp_path: Path
) -> None:
    unprobed = [c.model_copy(update={"probe": ()}) for c in result.checkpoints]
    assert (
        draw_likelihood(result.model_copy(update={"checkpoints": unprobed}), tmp_path / "l") == ()
    )
    withheld = {key: replace(cell, value=None) for key, cell in comparison.cells.items()}
    assert draw_scores(replace(comparison, cells=withheld), tmp_path / "s") == ()
    assert list(tmp_path.iterdir()) == []

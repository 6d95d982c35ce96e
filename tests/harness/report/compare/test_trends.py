"""Curves over seeds, and what the same margin cost: worked by hand."""

from pathlib import Path
from typing import Any

import pytest

from harness.errors import RunError
from harness.report.compare.likelihood import Reading, at_margin, trend_rows, trends
from harness.report.figures.likelihood_figure import draw_trends
from harness.report.tables.formats import markdown
from harness.report.tables.likelihood_table import trend_table
from harness.storage.result import CheckpointResult, Result


def probe(step: int, best: float, worst: float) -> dict[str, Any]:
    return {
        "step": step,
        "prompts": 10,
        "logratio_best": best,
        "logratio_worst": worst,
        "best_rose": 0.25,
    }


def checkpoint(name: str, seed: int, *points: tuple[int, float, float]) -> CheckpointResult:
    probes = tuple(probe(*point) for point in ((0, 0.0, 0.0), *points))
    return CheckpointResult(name=name, fingerprint="f", train={"seed": seed}, probe=probes)


def result(*checkpoints: CheckpointResult) -> Result:
    return Result(recipe="r", key="k", base="b", baseline="base", checkpoints=checkpoints)


TWO_SEEDS = result(
    checkpoint("dpo-seed0", 0, (4, -2, -6), (8, -10, -20)),  # margin 10
    checkpoint("dpo-seed1", 1, (4, -3, -6), (8, -12, -24)),  # margin 12
    checkpoint("nca-seed0", 0, (4, 1, -3), (8, 2, -6), (16, 0, -12)),  # margins 4, 8, 12
    checkpoint("nca-seed1", 1, (4, 1, -3), (8, 2, -6), (16, 1, -9)),  # margins 4, 8, 10
)


def test_checkpoints_that_differ_in_their_seed_are_one_curve() -> None:
    found = trends(TWO_SEEDS)
    assert [(trend.label, len(trend.seeds)) for trend in found] == [("dpo", 2), ("nca", 2)]


def test_an_objective_is_read_off_at_the_margin_of_the_same_seed() -> None:
    dpo, nca = trend_rows(trends(TWO_SEEDS), "dpo")
    assert dpo.last == {0: Reading(8, -10, -20, 0.25), 1: Reading(8, -12, -24, 0.25)}
    assert dpo.equal == {0: Reading(8, -10, -20), 1: Reading(8, -12, -24)}
    # Seed 0 passes 10 half-way between steps 8 and 16; seed 1 never reaches 12.
    assert nca.equal == {0: Reading(12, 1, -9)}
    assert set(nca.last) == {0, 1}


def test_a_margin_that_is_passed_and_lost_counts_where_it_was_first_reached() -> None:
    (only,) = trends(result(checkpoint("a", 0, (2, 4, 0), (4, 1, 0), (6, 8, 0))))
    assert at_margin(only.seeds[0], 3) == Reading(1.5, 3, 0)
    assert at_margin(only.seeds[0], 8.5) is None


def test_the_table_says_how_many_seeds_got_there() -> None:
    text = markdown(trend_table(trends(TWO_SEEDS), "dpo", "r"))
    assert "| dpo | 2 | 8 | -11.0 [-12.0, -10.0] | -22.0 [-24.0, -20.0] |" in text
    assert "| 1 of 2 | 12.0 | +1.0 |" in text
    assert "mean over probe prompts" in text


def test_the_file_has_both_readings_of_every_seed() -> None:
    records = trend_table(trends(TWO_SEEDS), "dpo", "r").records
    reached, missed = (r for r in records if r["checkpoint"] == "nca")
    assert (reached["seed"], reached["best"], reached["equal_margin_best"]) == (0, 0, 1)
    assert (reached["equal_margin_step"], reached["equal_margin_worst"]) == (12, -9)
    assert (missed["seed"], missed["best"], missed["equal_margin_best"]) == (1, 1, None)


def test_the_picture_is_written_whole_in_both_formats(tmp_path: Path) -> None:
    paths = draw_trends(trends(TWO_SEEDS), tmp_path / "t")
    assert [path.suffix for path in paths] == [".png", ".svg"]
    first = [path.read_bytes() for path in paths]
    assert [p.read_bytes() for p in draw_trends(trends(TWO_SEEDS), tmp_path / "t")] == first
    assert b"at equal margin" in first[1]


def test_what_cannot_be_shown_is_said() -> None:
    with pytest.raises(RunError, match="no probes"):
        trends(result(CheckpointResult(name="base", fingerprint="f")))
    with pytest.raises(RunError, match="no checkpoint 'kto' was probed: there are dpo, nca"):
        trend_rows(trends(TWO_SEEDS), "kto")
    uneven = result(*TWO_SEEDS.checkpoints[:3])
    with pytest.raises(RunError, match="nca has seeds 0 and the baseline 0, 1"):
        trend_rows(trends(uneven), "dpo")
